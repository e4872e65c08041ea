import { checkSize, type Picture } from "./picture.ts";

/** The version of the format, and the kind of picture in it: whole points. */
const VERSION = 7, POINTS = 2;
/** Bytes of the header's fields, and of a colour after it. */
const FIELDS = 100, COLOUR = 12;

/**
 * Decodes a picture as `xwd` of X writes it, of a display whose points hold
 * their colours directly.
 *
 * See `X11/XWDFile.h` of xorgproto.
 *
 * @throws {TypeError} for anything else.
 */
export function decodeXwd(bytes: Uint8Array): Picture {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (
    bytes.length < FIELDS || view.getUint32(4) !== VERSION ||
    view.getUint32(8) !== POINTS
  ) throw new TypeError("Expected a picture of xwd");
  const field = (number: number) => view.getUint32(4 * number);
  const [width, height] = [field(4), field(5)];
  checkSize(width, height);
  const isBigEndian = field(7) === 1;
  const bits = field(11), row = field(12);
  const masks = [field(14), field(15), field(16)];
  if (
    bits !== 32 || row < 4 * width ||
    masks.some((mask) => !/^1{8}0*$/.test(mask.toString(2)))
  ) {
    throw new TypeError("Expected a picture of xwd with 8 bits a colour");
  }
  const start = field(0) + COLOUR * field(19);
  if (bytes.length < start + row * height) {
    throw new TypeError("Expected a whole picture of xwd");
  }
  const shifts = masks.map((mask) => 24 - Math.clz32(mask));
  const rgb = new Uint8Array(3 * width * height);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const point = view.getUint32(start + y * row + 4 * x, !isBigEndian);
      for (const shift of shifts) rgb[to++] = point >>> shift;
    }
  }
  return { width, height, rgb };
}
