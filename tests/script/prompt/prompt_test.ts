import { assertEquals } from "@std/assert";
import type { Driver } from "../../../src/driver/mod.ts";
import type { Evaluator } from "../../../src/script/prompt/evaluator.ts";
import { talk } from "../../../src/script/prompt/prompt.ts";
import { isAlive } from "../../backend/processes.ts";

Deno.test("interrupted code reports its error first, also where the driver stands still meanwhile", async () => {
  const python = new Deno.Command("sh", {
    args: ["-c", "read -r _; sleep 0.1; echo KeyboardInterrupt"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const stdin = python.stdin.getWriter();
  let interrupt = () => {};
  const lines = ["forever()"];
  const shown: string[] = [];
  const reader = {
    colours: false,
    read: () => Promise.resolve(lines.shift()),
    print: (text: string) => shown.push(text),
    written: Promise.resolve(),
    onInterrupt: (listener: () => void) => interrupt = listener,
    [Symbol.dispose]: () => {},
  };
  const evaluator: Evaluator = {
    prompts: [">>> ", "... "],
    async push() {
      const output = new Response(python.stdout).text();
      queueMicrotask(interrupt);
      return { error: new Error((await output).trim()) };
    },
    reset: () => {},
    interrupt() {
      stdin.write(new TextEncoder().encode("\n")).then(() => {
        const began = performance.now();
        while (isAlive(python.pid) || performance.now() - began < 1500);
      });
    },
    complete: () => Promise.resolve([[], ""]),
  };
  const log = { flush: () => {} };
  const driver = { log, interrupt: () => {} } as unknown as Driver;
  const { signal } = new AbortController();
  await talk({ reader, evaluator, driver, signal });
  assertEquals(shown.map((text) => text.split("\n")[0]), [
    "Error: KeyboardInterrupt",
  ]);
  await stdin.close();
  await python.status;
});
