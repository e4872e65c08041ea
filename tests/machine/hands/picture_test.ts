import { assertEquals, assertRejects, assertThrows } from "@std/assert";
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
