import { assertEquals } from "@std/assert";
import { differByCursor } from "../../src/run/cursor.ts";

/** The points of a rectangle. */
function box(left: number, top: number, width: number, height: number) {
  return Array.from({ length: width * height }, (_, at): [number, number] => [
    left + at % width,
    top + Math.floor(at / width),
  ]);
}

/** A picture of 100 by 60 points, of which some are green. */
function picture(places: [x: number, y: number][] = []) {
  const rgb = new Uint8Array(3 * 100 * 60);
  for (const [x, y] of places) rgb[3 * (y * 100 + x) + 1] = 255;
  return { width: 100, height: 60, rgb };
}

Deno.test("pictures that differ by a cursor only are the same", () => {
  const bare = picture();
  assertEquals(differByCursor(bare, bare), true);
  assertEquals(differByCursor(bare, picture(box(5, 7, 1, 1))), true);
  assertEquals(differByCursor(bare, picture(box(90, 40, 10, 20))), true);
  assertEquals(differByCursor(picture(box(0, 0, 8, 2)), bare), true);
  assertEquals(differByCursor(bare, picture(box(5, 7, 11, 2))), false);
  assertEquals(differByCursor(bare, picture(box(5, 7, 2, 21))), false);
  // A character has places that stay as they are.
  assertEquals(differByCursor(bare, picture(box(5, 7, 8, 16).slice(1))), false);
  const two = [...box(5, 7, 3, 2), ...box(9, 7, 3, 2)];
  assertEquals(differByCursor(bare, picture(two)), false);
  const larger = { ...picture(), width: 60, height: 100 };
  assertEquals(differByCursor(bare, larger), false);
});
