import { assertEquals, assertThrows } from "@std/assert";
import { type LogBytes, unflushed } from "../../src/backend/qemu/write_log.ts";

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

/** A log that is in memory. */
function whole(bytes: Uint8Array): LogBytes {
  return {
    length: bytes.length,
    read: (at, length) => bytes.subarray(at, at + length),
  };
}

/** The pieces as sectors of the disk and of the log. */
function pieces(bytes: Uint8Array): [number, number | undefined][] {
  return unflushed(whole(bytes)).flatMap(({ at, length, inLog }) =>
    Array.from({ length: length / SIZE }, (_, n): [number, number?] => [
      at / SIZE + n,
      inLog === undefined ? undefined : inLog / SIZE + n,
    ]) as [number, number | undefined][]
  );
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
  assertThrows(() => unflushed(whole(bytes)), Error, "Expected a log");
});

Deno.test("any mix of writes is undone as sector by sector", () => {
  let seed = 1;
  const random = (below: number) => {
    seed = Math.imul(seed, 48271) >>> 1;
    return seed % below;
  };
  for (let round = 0; round < 300; round++) {
    const entries = Array.from(
      { length: random(12) },
      (): [number, number, number] =>
        random(5) === 0
          ? FLUSH
          : [random(20), 1 + random(8), [0, 0, 0, 2, 4][random(5)]],
    );
    const disk = new Map<number, number>();
    let flushed = new Map(disk), at = 1;
    const written = new Set<number>();
    for (const [sector, count, flags] of entries) {
      const hasData = (flags & 4) === 0;
      for (let n = 0; n < count; n++) {
        if (hasData) disk.set(sector + n, at + 1 + n);
        written.add(sector + n);
      }
      at += 1 + (hasData ? count : 0);
      if ((flags & 3) === 0) continue;
      flushed = new Map(disk);
      written.clear();
    }
    assertEquals(
      pieces(log(...entries)),
      [...written].sort((a, b) => a - b).map((sector) => [
        sector,
        flushed.get(sector),
      ]),
      JSON.stringify(entries),
    );
  }
});

Deno.test("a write of any size takes no memory", () => {
  const bytes = log([5, 1, 0], FLUSH, [0, 2 ** 33, 4]);
  assertEquals(unflushed(whole(bytes)), [
    { at: 0, length: 5 * SIZE },
    { at: 5 * SIZE, length: SIZE, inLog: 2 * SIZE },
    { at: 6 * SIZE, length: (2 ** 33 - 6) * SIZE },
  ]);
});
