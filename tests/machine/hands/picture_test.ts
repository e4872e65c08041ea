import {
  assertEquals,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  decodePng,
  decodePpm,
  encodePng,
} from "../../../src/machine/hands/picture.ts";
import { decodeXwd } from "../../../src/machine/hands/xwd.ts";
import { pngSize } from "./png.ts";

/** Six points, of two rows. */
const picture = {
  width: 3,
  height: 2,
  rgb: Uint8Array.from({ length: 18 }, (_, at) => 14 * at),
};

/** A picture as xwd writes it, with fields that are other than usual. */
function xwd(fields: Record<number, number> = {}): Uint8Array {
  const head = new Uint32Array(26);
  const name = 4, row = 16;
  head.set([100 + name, 7, 2, 24, 3, 2, 0, 0, 32, 0, 32, 32, row, 4]);
  head.set([0xff0000, 0xff00, 0xff, 8, 256, 1], 14);
  for (const [at, value] of Object.entries(fields)) head[Number(at)] = value;
  const bytes = new Uint8Array(100 + name + 12 + 2 * row);
  const view = new DataView(bytes.buffer);
  head.slice(0, 25).forEach((value, at) => view.setUint32(4 * at, value));
  for (let at = 0; at < 6; at++) {
    const [red, green, blue] = picture.rgb.subarray(3 * at);
    const from = 100 + name + 12 + row * Math.trunc(at / 3) + 4 * (at % 3);
    view.setUint32(from, red << 16 | green << 8 | blue, head[7] === 0);
  }
  return bytes;
}

Deno.test("a picture that is encoded in PNG is the same again", async () => {
  const png = await encodePng(picture);
  assertEquals(pngSize(png), { width: 3, height: 2 });
  assertEquals(await decodePng(png), picture);
});

/** Samples of a point in each colour type of PNG, and which are of a colour. */
const colourTypes: [type: number, samples: number, rgb: number[]][] = [
  [0, 1, [0, 0, 0]],
  [2, 3, [0, 1, 2]],
  [3, 1, [0, 0, 0]],
  [4, 2, [0, 0, 0]],
  [6, 4, [0, 1, 2]],
];

/**
 * A picture in PNG, whose rows have one filter after the other; see
 * https://www.w3.org/TR/png-3/#9Filters
 */
function filtered(
  size: number,
  type: number,
  samples: number,
  sample: (y: number, at: number) => number,
): Promise<Uint8Array> {
  const row = size * samples;
  const raw = new Uint8Array(size * (row + 1));
  const known = (y: number, at: number) =>
    y < 0 || at < 0 ? 0 : sample(y, at) & 255;
  for (let y = 0; y < size; y++) {
    const filter = raw[y * (row + 1)] = y % 5;
    for (let at = 0; at < row; at++) {
      const a = known(y, at - samples), b = known(y - 1, at);
      const c = at < samples ? 0 : known(y - 1, at - samples);
      const nearest = [a, b, c].reduce((best, one) =>
        Math.abs(a + b - c - one) < Math.abs(a + b - c - best) ? one : best
      );
      const guess = [0, a, b, (a + b) >> 1, nearest][filter];
      raw[y * (row + 1) + 1 + at] = known(y, at) - guess;
    }
  }
  return pngOf(size, type, raw);
}

/** A chunk of a PNG, without a right checksum, which nobody looks at. */
function chunk(name: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  new DataView(bytes.buffer).setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(name), 4);
  bytes.set(data, 8);
  return bytes;
}

async function pngOf(
  size: number,
  type: number,
  raw: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  const head = new Uint8Array(13);
  const view = new DataView(head.buffer);
  view.setUint32(0, size);
  view.setUint32(4, size);
  head.set([8, type], 8);
  const packed = await new Response(
    new Blob([raw]).stream().pipeThrough(new CompressionStream("deflate")),
  ).bytes();
  return new Uint8Array([
    ...[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    ...chunk("IHDR", head),
    ...chunk("PLTE", Uint8Array.from({ length: 768 }, (_, at) => 7 * at)),
    ...chunk("IDAT", packed),
    ...chunk("IEND", new Uint8Array(0)),
  ]);
}

Deno.test("rows of all filters and points of all colour types are read", async () => {
  const size = 23;
  const sample = (y: number, at: number) => (y * y * 31 + at * at * 7) & 255;
  for (const [type, samples, rgb] of colourTypes) {
    const { rgb: seen } = await decodePng(
      await filtered(size, type, samples, sample),
    );
    const expected = Uint8Array.from({ length: 3 * size * size }, (_, at) => {
      const point = Math.trunc(at / 3);
      const x = point % size, y = Math.trunc(point / size);
      const value = sample(y, x * samples + rgb[at % 3]);
      return type === 3 ? 7 * (3 * value + at % 3) : value;
    });
    assertEquals(seen, expected, `colour type ${type}`);
  }
});

Deno.test("other code has its turn while a picture of many points is read", async () => {
  const size = 4000;
  const raw = new Uint8Array(size * (3 * size + 1));
  for (let y = 0; y < size; y++) raw[y * (3 * size + 1)] = 4;
  const png = await pngOf(size, 2, raw);
  let turns = 0;
  const ticking = setInterval(() => turns++);
  await decodePng(png);
  clearInterval(ticking);
  assertLess(3, turns);
});

Deno.test("what xwd writes is read in both orders of bytes", () => {
  assertEquals(decodeXwd(xwd()), picture);
  assertEquals(decodeXwd(xwd({ 7: 1 })), picture);
});

Deno.test("incomplete pictures, and those of another kind, are refused", async () => {
  const wrong: Record<number, number>[] = [
    { 1: 6 },
    { 2: 1 },
    { 4: 5 },
    { 5: 3 },
    { 11: 16 },
    { 14: 0x7c00 },
    { 0: 0xffffffff },
    { 19: 0xffffffff },
  ];
  for (const fields of wrong) {
    assertThrows(() => decodeXwd(xwd(fields)), TypeError, "Expected a");
  }
  assertThrows(() => decodeXwd(xwd({ 4: 0, 5: 1e9, 12: 0 })), TypeError);
  assertThrows(() => decodeXwd(xwd().subarray(0, 50)), TypeError);
  const png = await encodePng(picture);
  await assertRejects(() => decodePng(png.subarray(0, 60)), TypeError);
  const ppm = new TextEncoder().encode("P6 999 999 255\nfew");
  assertThrows(() => decodePpm(ppm), TypeError, "whole");
});

Deno.test("a picture that claims to be huge takes no memory", async () => {
  const png = await encodePng(picture);
  const view = new DataView(png.buffer);
  for (const [width, height] of [[0x7fffffff, 2], [0, 0x7fffffff]]) {
    view.setUint32(16, width);
    view.setUint32(20, height);
    await assertRejects(
      () => decodePng(png),
      TypeError,
      "1 to 33554432 points",
    );
  }
  const ppm = new TextEncoder().encode("P6 0 2147483647 255\n");
  assertThrows(() => decodePpm(ppm), TypeError, "1 to 33554432 points");
});

Deno.test("points beyond a picture's size are dropped", async () => {
  const height = 4000;
  const rgb = new Uint8Array(3 * 4000 * height);
  const png = await encodePng({ width: 4000, height, rgb });
  const view = new DataView(png.buffer);
  [3, 2].forEach((size, at) => view.setUint32(16 + 4 * at, size));
  assertEquals(await decodePng(png), {
    width: 3,
    height: 2,
    rgb: new Uint8Array(18),
  });
});
