import { assert, assertEquals } from "@std/assert";
import { MemoryWatch } from "../../src/suite/memory_watch.ts";

Deno.test("the memory of a process is measured with that of its descendants", async () => {
  using watch = new MemoryWatch();
  const megabytes = 64;
  // The shell is the parent of the process that takes the memory.
  const process = new Deno.Command("/bin/sh", {
    args: [
      "-c",
      `${Deno.execPath()} eval 'const all = new Uint8Array(${megabytes} * 2 ** 20).fill(1); console.log(all.length); await new Promise((resolve) => Deno.stdin.read(new Uint8Array(1)).then(resolve))'; true`,
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const use = watch.add(process.pid);
  const reader = process.stdout.getReader();
  await reader.read();
  while ((use.peak ?? 0) < megabytes * 2 ** 20) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assertEquals(watch.now, use.now);
  assert(watch.peak >= use.now);
  await process.stdin.close();
  await reader.cancel();
  await process.status;
  watch.remove(process.pid);
});
