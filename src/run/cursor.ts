import type { Picture } from "../machine/hands/picture.ts";

/** Points that the cursor of a text console is wide and high, at most. */
const WIDTH = 10, HEIGHT = 20;

/**
 * Whether two pictures of a screen differ by no more than a cursor that blinks:
 * in all points of a rectangle that is no larger than a character. Characters
 * are no full rectangles.
 */
export function differByCursor(one: Picture, other: Picture): boolean {
  const { width, height } = one;
  if (width !== other.width || height !== other.height) return false;
  let left = width, right = -1, top = -1, bottom = -1;
  let count = 0;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      if (
        one.rgb[at] === other.rgb[at] &&
        one.rgb[at + 1] === other.rgb[at + 1] &&
        one.rgb[at + 2] === other.rgb[at + 2]
      ) continue;
      count++;
      if (top < 0) top = y;
      bottom = y;
      left = Math.min(left, x);
      right = Math.max(right, x);
      if (right - left >= WIDTH || y - top >= HEIGHT) return false;
    }
  }
  return count === (right - left + 1) * (bottom - top + 1) || count === 0;
}
