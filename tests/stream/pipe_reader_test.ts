import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { PipeReader } from "../../src/stream/mod.ts";

/** A process whose output is a pipe. */
function bash(script: string): Deno.ChildProcess {
  return new Deno.Command("bash", {
    args: ["-c", script],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
}

Deno.test("a pipe is read whole, whatever its pieces are", async () => {
  const process = bash("printf one; read -r _; seq 100000");
  const decoder = new TextDecoder();
  const reader = new PipeReader(process.stdout);
  let text = decoder.decode(await reader.read(), { stream: true });
  assertEquals(text, "one");
  await process.stdin.close();
  for await (const bytes of reader) {
    text += decoder.decode(bytes, { stream: true });
  }
  const numbers = Array.from({ length: 100_000 }, (_, at) => `${at + 1}\n`);
  assertEquals(text, `one${numbers.join("")}`);
  assertEquals(await reader.read(), undefined);
  await process.status;
});

Deno.test("all reads share the memory of one", async () => {
  const process = bash("for n in 1 2 3; do echo $n; read -r _; done");
  const writer = process.stdin.getWriter();
  const reader = new PipeReader(process.stdout);
  const first = await reader.read();
  await writer.write(new TextEncoder().encode("\n"));
  const second = await reader.read();
  // The first was taken back for the second.
  assertEquals(first?.length, 0);
  assertEquals(second?.length, 2);
  assertEquals(second?.buffer.byteLength, 64 * 1024);
  await writer.close();
  assert((await reader.read()) !== undefined);
  assertStrictEquals(await reader.read(), undefined);
  await process.status;
});

Deno.test("a cancelled reader is at its end", async () => {
  const process = bash("read -r _");
  const reader = new PipeReader(process.stdout);
  const read = reader.read();
  await reader.cancel();
  assertEquals(await read, undefined);
  await process.stdin.close();
  await process.status;
});
