import { assertEquals, assertThrows } from "@std/assert";
import { unflushed } from "../../src/backend/qemu/write_log.ts";

const SIZE = 512;

/** A log of entries: sector, sectors, flags. */
function log(...entries: [number, number, number][]): Uint8Array {
  const sectors: Uint8Array[] = [];
  const head = new Uint8Array(SIZE);
  new DataView(head.buffer).setBigUint64(0, 0x6a736677736872n, true);
  new DataView(head.buffer).setUint32(24, SIZE, true);
  sectors.push(head);
  for (const [sector, count, flags] of entries) {
    const entry = new Uint8Array(SIZE);
    const view = new DataView(entry.buffer);
    [sector, count, flags].forEach((value, at) =>
      view.setBigUint64(8 * at, BigInt(value), true)
    );
    sectors.push(entry);
    if ((flags & 4) === 0) sectors.push(new Uint8Array(count * SIZE));
  }
  return new Uint8Array(sectors.flatMap((one) => [...one]));
}

const FLUSH: [number, number, number] = [0, 0, 1];

/** The pieces as sectors of the disk and of the log. */
function pieces(bytes: Uint8Array): [number, number | undefined][] {
  return unflushed(bytes).map(({ at, inLog }) => [
    at / SIZE,
    inLog === undefined ? undefined : inLog / SIZE,
  ]);
}

Deno.test("flushed writes are left alone", () => {
  assertEquals(pieces(log()), []);
  assertEquals(pieces(log([5, 2, 0], FLUSH)), []);
  // A write that is not to wait for a flush.
  assertEquals(pieces(log([5, 2, 2])), []);
  assertEquals(pieces(new Uint8Array(0)), []);
});

Deno.test("unflushed writes are undone to the last flush", () => {
  assertEquals(pieces(log([5, 2, 0])), [[5, undefined], [6, undefined]]);
  // The log: its head, an entry at 1 with data at 2 and 3, a flush at 4.
  assertEquals(
    pieces(log([5, 2, 0], FLUSH, [6, 2, 0])),
    [[6, 3], [7, undefined]],
  );
  // Of two flushed writes, the later one counts.
  assertEquals(
    pieces(log([5, 1, 0], [5, 1, 0], FLUSH, [5, 1, 0])),
    [[5, 4]],
  );
});

Deno.test("a discard that was not flushed is taken back", () => {
  assertEquals(pieces(log([5, 1, 0], FLUSH, [5, 2, 4])), [
    [5, 2],
    [6, undefined],
  ]);
});

Deno.test("an incomplete entry is ignored", () => {
  const whole = log([5, 1, 0], FLUSH, [7, 1, 0]);
  assertEquals(pieces(whole.subarray(0, whole.length - 2 * SIZE)), []);
});

Deno.test("without any flush, the log's beginning is empty", () => {
  const bytes = log([5, 1, 0]);
  bytes.fill(0, 0, SIZE);
  assertEquals(pieces(bytes), [[5, undefined]]);
});

Deno.test("other files are refused", () => {
  const bytes = new Uint8Array(SIZE).fill(1);
  assertThrows(() => unflushed(bytes), Error, "Expected a log");
});
