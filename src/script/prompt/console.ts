import type { LineReader } from "./line_reader.ts";
import { harmlessButColoured, showValue } from "./show.ts";

const methods = ["log", "info", "debug", "warn", "error"] as const;

/**
 * Has what inputs and the script print by `console.log` and its like appear
 * above the input line, until the answer is disposed of.
 */
export function divertConsole(reader: LineReader): Disposable {
  const { colours } = reader;
  const print = (...values: unknown[]) => {
    const words = values.map((value) =>
      typeof value === "string" ? value : showValue(value, colours)
    );
    reader.print(harmlessButColoured(words.join(" "), colours));
  };
  const before = methods.map((method) => [method, console[method]] as const);
  for (const method of methods) console[method] = print;
  return {
    [Symbol.dispose]() {
      for (const [method, was] of before) console[method] = was;
    },
  };
}
