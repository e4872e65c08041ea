import { assertEquals, assertThrows } from "@std/assert";
import { writeAll, writeAllSync, writeOut } from "../../src/stream/mod.ts";

/** Takes three bytes at a time, once it has thrown each of some errors. */
class Slow {
  readonly taken: number[] = [];
  readonly #errors: Error[];

  constructor(...errors: Error[]) {
    this.#errors = errors;
  }

  writeSync(bytes: Uint8Array): number {
    const error = this.#errors.shift();
    if (error !== undefined) throw error;
    const some = bytes.subarray(0, 3);
    this.taken.push(...some);
    return some.length;
  }

  write(bytes: Uint8Array): Promise<number> {
    return Promise.resolve(this.writeSync(bytes));
  }
}

const bytes = Uint8Array.from({ length: 10 }, (_, at) => at);
const all = [...bytes];

Deno.test("everything is written, however little the stream takes at a time", async () => {
  const [one, other, third] = [new Slow(), new Slow(), new Slow()];
  await writeAll(one, bytes);
  writeAllSync(other, bytes);
  writeOut(third, bytes);
  assertEquals([one.taken, other.taken, third.taken], [all, all, all]);
});

Deno.test("a full output is awaited, and a closed one is ignored", () => {
  const full = new Slow(
    new Deno.errors.WouldBlock("full"),
    new Deno.errors.WouldBlock("full"),
  );
  writeOut(full, bytes);
  assertEquals(full.taken, all);
  const closed = new Slow(new Deno.errors.BrokenPipe("closed"));
  writeOut(closed, bytes);
  assertEquals(closed.taken, []);
});

Deno.test("a file that can't be written is an error", () => {
  const broken = new Slow(new Error("No space left on device"));
  assertThrows(() => writeAllSync(broken, bytes), Error, "No space left");
});
