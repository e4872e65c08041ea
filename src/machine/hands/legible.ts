import type { GreyPicture, Picture } from "./picture.ts";

/** Points on a side of a square that has one background colour. */
const SQUARE = 16;
/** How many squares on each side of it also count. */
const AROUND = 1;
/** How many colours the search for the commonest one distinguishes. */
const KINDS = 512;
/** A contrast below this is no text: compression and gradients leave it. */
const LEAST = 24;

/**
 * Makes a picture in which everything that contrasts with its surroundings is
 * black on white: text of any colour, lighter or darker than its background.
 */
export function standingOut(picture: Picture): GreyPicture {
  const { width, height, rgb } = picture;
  const columns = Math.ceil(width / SQUARE), rows = Math.ceil(height / SQUARE);
  const commonest = commonColours(picture, columns, rows);
  const strongest = new Uint8Array(columns * rows);
  const far = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const square = (y / SQUARE | 0) * columns + (x / SQUARE | 0);
      const behind = commonest[square];
      const distance = Math.max(
        Math.abs(rgb[3 * at] - (behind >> 16)),
        Math.abs(rgb[3 * at + 1] - (behind >> 8 & 0xff)),
        Math.abs(rgb[3 * at + 2] - (behind & 0xff)),
      );
      far[at] = distance;
      if (distance > strongest[square]) strongest[square] = distance;
    }
  }
  // This makes faint text as dark as other text.
  const fulls = Uint8Array.from(strongest, (_, square) => {
    let full = LEAST;
    const [column, row] = [square % columns, square / columns | 0];
    around(column, row, columns, rows, (one) => {
      if (strongest[one] > full) full = strongest[one];
    });
    return full;
  });
  const grey = far;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const full = fulls[(y / SQUARE | 0) * columns + (x / SQUARE | 0)];
      grey[at] = 255 - 255 * Math.min(1, far[at] / full);
    }
  }
  return { width, height, grey };
}

/** The commonest colour in and around each square, as a number. */
function commonColours(
  { width, height, rgb }: Picture,
  columns: number,
  rows: number,
): Uint32Array {
  // Similar colours count as one, which the last of them represents.
  const counts = new Uint16Array(KINDS * columns * rows);
  const examples = new Uint32Array(KINDS * columns * rows);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 3 * (y * width + x);
      const kind = (rgb[at] >> 5) << 6 | (rgb[at + 1] >> 5) << 3 |
        rgb[at + 2] >> 5;
      const square = (y / SQUARE | 0) * columns + (x / SQUARE | 0);
      counts[KINDS * square + kind]++;
      examples[KINDS * square + kind] = rgb[at] << 16 | rgb[at + 1] << 8 |
        rgb[at + 2];
    }
  }
  const found = new Uint32Array(columns * rows);
  const sums = new Uint32Array(KINDS);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      sums.fill(0);
      const squares: number[] = [];
      around(column, row, columns, rows, (square) => squares.push(square));
      for (const square of squares) {
        for (let kind = 0; kind < KINDS; kind++) {
          sums[kind] += counts[KINDS * square + kind];
        }
      }
      let best = 0;
      for (let kind = 1; kind < KINDS; kind++) {
        if (sums[kind] > sums[best]) best = kind;
      }
      const from = squares.find((square) => counts[KINDS * square + best] > 0);
      found[row * columns + column] = examples[KINDS * from! + best];
    }
  }
  return found;
}

function around(
  column: number,
  row: number,
  columns: number,
  rows: number,
  take: (square: number) => void,
): void {
  for (let dy = -AROUND; dy <= AROUND; dy++) {
    for (let dx = -AROUND; dx <= AROUND; dx++) {
      const x = column + dx, y = row + dy;
      if (x >= 0 && y >= 0 && x < columns && y < rows) take(y * columns + x);
    }
  }
}

/** A picture's brightness; if `inverted`, light is dark. */
export function brightness(
  { width, height, rgb }: Picture,
  inverted = false,
): GreyPicture {
  const grey = new Uint8Array(width * height);
  for (let at = 0; at < grey.length; at++) {
    const light = 0.299 * rgb[3 * at] + 0.587 * rgb[3 * at + 1] +
      0.114 * rgb[3 * at + 2];
    grey[at] = inverted ? 255 - light : light;
  }
  return { width, height, grey };
}

/**
 * Enlarges a picture to `factor` times as many points on each side, by cubic
 * curves through its points (Catmull and Rom's).
 */
export function enlarged(picture: GreyPicture, factor: number): GreyPicture {
  const { width, height } = picture;
  const wide = stretched(picture.grey, width, height, factor, 1, width);
  const grey = stretched(
    wide,
    height,
    width * factor,
    factor,
    width * factor,
    1,
  );
  return { width: width * factor, height: height * factor, grey };
}

/**
 * Stretches `lines` lines of `length` points. `step` is the distance from a
 * point to the next, `stride` that from a line to the next.
 */
function stretched(
  source: Uint8Array,
  length: number,
  lines: number,
  factor: number,
  step: number,
  stride: number,
): Uint8Array {
  const target = new Uint8ClampedArray(source.length * factor);
  // The target has the lines in the same order, but they are longer.
  const apart = step === 1 ? stride * factor : stride;
  for (let phase = 0; phase < factor; phase++) {
    const centre = (phase + 0.5) / factor - 0.5;
    const shift = centre < 0 ? -1 : 0;
    const t = centre - shift;
    const w0 = ((-t + 2) * t - 1) * t / 2, w1 = ((3 * t - 5) * t * t + 2) / 2;
    const w2 = ((-3 * t + 4) * t + 1) * t / 2, w3 = (t - 1) * t * t / 2;
    for (let line = 0; line < lines; line++) {
      const from = line * stride, to = line * apart;
      for (let i = 0; i < length; i++) {
        const at = i + shift;
        const p0 = source[from + step * Math.max(0, at - 1)];
        const p1 = source[from + step * Math.max(0, at)];
        const p2 = source[from + step * Math.min(length - 1, at + 1)];
        const p3 = source[from + step * Math.min(length - 1, at + 2)];
        target[to + step * (i * factor + phase)] = w0 * p0 + w1 * p1 +
          w2 * p2 + w3 * p3;
      }
    }
  }
  return new Uint8Array(target.buffer);
}
