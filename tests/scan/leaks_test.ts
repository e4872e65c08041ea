import { assertEquals } from "@std/assert";
import { FrameCutter, Scanner } from "../../src/scan/mod.ts";
import { wasm } from "../../src/scan/wasm.ts";

const long = Deno.args.includes("--long") || Deno.env.has("VMWRIGHT_LONG");
const cycles = long ? 1_000_000 : 50_000;

const chunk = new TextEncoder().encode("node1 login: 42 root@host\r\n");
const patterns = [/login: /, /(\w+)@(\w+)/, /^\d+$/m, /a.*b|é{2,3}/i];

Deno.test(`memory is flat over ${cycles} patterns that come and go`, () => {
  using scanner = new Scanner({ skipCarriageReturns: true });
  const cycle = (i: number) => {
    const id = scanner.add(patterns[i % patterns.length]);
    scanner.scan(chunk);
    scanner.delete(id);
  };
  for (let i = 0; i < 1000; i++) cycle(i);
  const before = wasm.memory.buffer.byteLength;
  for (let i = 0; i < cycles; i++) cycle(i);
  assertEquals(wasm.memory.buffer.byteLength, before);
});

Deno.test("memory is flat over patterns that come and go while the stream is silent", () => {
  using scanner = new Scanner();
  const stays = scanner.add(/root/);
  const cycle = (i: number) => {
    const ids = patterns.map((pattern) => scanner.add(pattern));
    // Another one first each time: the oldest, the newest or one between.
    for (let n = 0; n < ids.length; n++) {
      scanner.delete(ids[(i + n * 3) % ids.length]);
    }
  };
  for (let i = 0; i < 100; i++) cycle(i);
  const before = wasm.memory.buffer.byteLength;
  for (let i = 0; i < cycles / 10; i++) cycle(i);
  assertEquals(wasm.memory.buffer.byteLength, before);
  const last = scanner.add(/host/);
  assertEquals(scanner.scan(chunk).map(({ id }) => id), [stays, last]);
});

Deno.test("memory is flat over streams that come and go", () => {
  const cycle = () => {
    using scanner = new Scanner();
    for (const pattern of patterns) scanner.add(pattern, { text: true });
    scanner.scan(chunk);
    using cutter = new FrameCutter();
    cutter.push(chunk);
  };
  for (let i = 0; i < 100; i++) cycle();
  const before = wasm.memory.buffer.byteLength;
  for (let i = 0; i < cycles / 10; i++) cycle();
  assertEquals(wasm.memory.buffer.byteLength, before);
});

Deno.test("a pattern with too many states to remember holds no more than its share", () => {
  using scanner = new Scanner();
  scanner.add(/[ab]*a[ab]{20}c/);
  const text = new Uint8Array(65536);
  const before = wasm.memory.buffer.byteLength;
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < text.length; i++) {
      text[i] = 97 + (Math.random() < 0.5 ? 0 : 1);
    }
    scanner.scan(text);
  }
  const grown = wasm.memory.buffer.byteLength - before;
  assertEquals(grown < 16 * 1024 * 1024, true, `${grown} bytes more`);
});
