import type { LineReader } from "./line_reader.ts";
import { harmlessButColoured, showValue } from "./show.ts";

const methods = ["log", "info", "debug", "warn", "error"] as const;

/**
 * Shows the output of `console.log` and its like above the input line, until
 * the returned object is disposed.
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
