import process from "node:process";
import { delay } from "../../time/mod.ts";

/**
 * Points of the largest picture that is read, more than 7680 by 4320 has. There
 * is a limit because a guest chooses the size in the headers of its pictures.
 */
const MOST_POINTS = 1 << 25;
/** Milliseconds after which other code has its turn. */
const TURN_MS = 10;

/** A picture: three bytes, of red, green and blue, for each point. */
export interface Picture {
  /** Points in a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** The points, row by row. */
  readonly rgb: Uint8Array;
}

/** A picture in shades of grey: a byte for each point. */
export interface GreyPicture {
  /** Points in a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** The points, row by row; 0 is black. */
  readonly grey: Uint8Array;
}

/** @throws {TypeError} for a picture without points, or with too many. */
export function checkSize(width: number, height: number): void {
  if (width > 0 && height > 0 && width * height <= MOST_POINTS) return;
  throw new TypeError(
    `Expected a picture of 1 to ${MOST_POINTS} points, got ${width} × ${height}`,
  );
}

/**
 * Decodes a picture in the binary form of PPM, which QEMU's `screendump`
 * writes.
 *
 * @throws {TypeError} for anything else.
 */
export function decodePpm(bytes: Uint8Array): Picture {
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, 200));
  const match = /^P6\s+(?:#.*\n\s*)*(\d+)\s+(\d+)\s+255\s/.exec(head);
  if (match === null) throw new TypeError("Expected a picture in PPM");
  const [width, height] = [Number(match[1]), Number(match[2])];
  checkSize(width, height);
  const start = match[0].length;
  const rgb = bytes.subarray(start, start + 3 * width * height);
  if (rgb.length < 3 * width * height) {
    throw new TypeError("Expected a whole picture in PPM");
  }
  return { width, height, rgb };
}

/** Encodes a picture in shades of grey in the binary form of PGM. */
export function encodePgm({ width, height, grey }: GreyPicture): Uint8Array {
  const head = new TextEncoder().encode(`P5\n${width} ${height}\n255\n`);
  const bytes = new Uint8Array(head.length + grey.length);
  bytes.set(head);
  bytes.set(grey, head.length);
  return bytes;
}

/** The samples of each colour type of PNG that are red, green and blue. */
const CHANNELS: Record<number, { count: number; rgb: number[] }> = {
  0: { count: 1, rgb: [0, 0, 0] },
  2: { count: 3, rgb: [0, 1, 2] },
  3: { count: 1, rgb: [0, 0, 0] },
  4: { count: 2, rgb: [0, 0, 0] },
  6: { count: 4, rgb: [0, 1, 2] },
};

/**
 * Decodes a picture in PNG of 8 bits a sample, without interlacing, as QEMU and
 * most programs write it. It ignores transparency.
 *
 * See https://www.w3.org/TR/png-3/
 *
 * @throws {TypeError} for anything else.
 */
export async function decodePng(bytes: Uint8Array): Promise<Picture> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 33 || view.getUint32(0) !== 0x89504e47) {
    throw new TypeError("Expected a picture in PNG");
  }
  const width = view.getUint32(16), height = view.getUint32(20);
  const [depth, kind, , , interlaced] = bytes.subarray(24, 29);
  const channels = CHANNELS[kind];
  checkSize(width, height);
  if (depth !== 8 || channels === undefined || interlaced !== 0) {
    throw new TypeError(
      "Expected a PNG of 8 bits a sample, without interlacing",
    );
  }
  const parts: Uint8Array[] = [];
  let palette: Uint8Array | undefined;
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at), name = view.getUint32(at + 4);
    const data = bytes.subarray(at + 8, at + 8 + length);
    if (name === 0x49444154) parts.push(data);
    if (name === 0x504c5445) palette = data;
    at += 12 + length;
  }
  const { count, rgb: order } = channels;
  const row = width * count;
  const raw = await inflated(parts, height * (row + 1));
  const rgb = new Uint8Array(3 * width * height);
  let before = new Uint8Array(row);
  let began = performance.now();
  for (let y = 0; y < height; y++) {
    const start = y * (row + 1);
    const line = raw.subarray(start + 1, start + 1 + row);
    unfilter(raw[start], line, before, count);
    const points = rgb.subarray(3 * y * width, 3 * (y + 1) * width);
    if (kind === 2) points.set(line);
    else if (kind === 3) lookUp(line, palette, points);
    else pick(line, count, order, points);
    before = line;
    // A guest may send a picture of few bytes and many points.
    if (performance.now() - began < TURN_MS) continue;
    await delay(0);
    began = performance.now();
  }
  return { width, height, rgb };
}

/** Takes the samples of a row that are red, green and blue. */
function pick(
  line: Uint8Array,
  count: number,
  [red, green, blue]: number[],
  points: Uint8Array,
): void {
  for (let at = 0, to = 0; to < points.length; at += count) {
    points[to++] = line[at + red];
    points[to++] = line[at + green];
    points[to++] = line[at + blue];
  }
}

/** Takes the colours of a row out of a palette. */
function lookUp(
  line: Uint8Array,
  palette: Uint8Array = new Uint8Array(0),
  points: Uint8Array,
): void {
  for (let at = 0, to = 0; to < points.length; at++) {
    for (let c = 0; c < 3; c++) points[to++] = palette[3 * line[at] + c] ?? 0;
  }
}

/**
 * The first bytes of a compressed text, however many follow.
 *
 * @throws {TypeError} if there are fewer.
 */
async function inflated(
  parts: Uint8Array[],
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  const stream = new Blob(parts as BlobPart[]).stream()
    .pipeThrough(new DecompressionStream("deflate"));
  let at = 0;
  for await (const chunk of stream) {
    const some = chunk.subarray(0, length - at);
    bytes.set(some, at);
    at += some.length;
    if (at === length) return bytes;
  }
  throw new TypeError("Expected a whole picture in PNG");
}

/** Encodes a picture in PNG. */
export async function encodePng(
  { width, height, rgb }: Picture,
): Promise<Uint8Array> {
  const row = 3 * width;
  // Each row's first byte says that it is stored as it is.
  const raw = new Uint8Array(height * (row + 1));
  for (let y = 0; y < height; y++) {
    raw.set(rgb.subarray(y * row, (y + 1) * row), y * (row + 1) + 1);
  }
  const head = new Uint8Array(13);
  const view = new DataView(head.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  head.set([8, 2], 8);
  const stream = new Blob([raw]).stream()
    .pipeThrough(new CompressionStream("deflate"));
  const data = new Uint8Array(await new Response(stream).arrayBuffer());
  const parts = [
    new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    pngChunk("IHDR", head),
    pngChunk("IDAT", data),
    pngChunk("IEND", new Uint8Array(0)),
  ];
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** A part of a PNG: its length, its name, what is in it, and a checksum. */
function pngChunk(name: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const { crc32 } = process.getBuiltinModule("node:zlib");
  const chunk = new Uint8Array(12 + data.length);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, data.length);
  chunk.set(new TextEncoder().encode(name), 4);
  chunk.set(data, 8);
  view.setUint32(8 + data.length, crc32(chunk.subarray(4, 8 + data.length)));
  return chunk;
}

/** Undoes a row's filter, which stores each sample as a difference. */
function unfilter(
  filter: number,
  line: Uint8Array,
  before: Uint8Array,
  count: number,
): void {
  if (filter === 0) return;
  for (let i = 0; i < line.length; i++) {
    const left = i < count ? 0 : line[i - count];
    const above = before[i];
    if (filter === 1) line[i] += left;
    else if (filter === 2) line[i] += above;
    else if (filter === 3) line[i] += (left + above) >> 1;
    else if (filter === 4) {
      const corner = i < count ? 0 : before[i - count];
      const a = Math.abs(above - corner), b = Math.abs(left - corner);
      const c = Math.abs(left + above - 2 * corner);
      line[i] += a <= b && a <= c ? left : b <= c ? above : corner;
    }
  }
}
