import { ascii } from "./format.ts";

/** The keys of pax records that matter. The last one is a beginning of keys. */
const KEYS = ["path=", "linkpath=", "size=", "mtime=", "GNU.sparse."].map(
  (key) => new TextEncoder().encode(key),
);
const ZERO = 0x30;

/** Facts in records that replace those in the header of the next entry. */
export interface Overrides {
  /** The name. */
  name?: Uint8Array;
  /** The target of a link. */
  target?: Uint8Array;
  /** Bytes of the content. */
  size?: number;
  /** Seconds since 1970. */
  time?: number;
  /** Whether the entry is a sparse file: its bytes describe holes. */
  sparse?: boolean;
}

/**
 * Reads pax records.
 *
 * @param bytes The records.
 * @returns The facts in them; nothing if these are no records.
 */
export function readPax(bytes: Uint8Array): Overrides | undefined {
  /** The begin and the end of the last value of each key. */
  const found: ([begin: number, end: number] | undefined)[] = [];
  // A guest may send a hundred thousand of them at once. So this makes
  // strings only of the last ones.
  for (let at = 0; at < bytes.length;) {
    // Each record begins with its length, because it may have newlines.
    let length = 0, space = at;
    for (; isDigit(bytes[space]) && space - at < 7; space++) {
      length = length * 10 + bytes[space] - ZERO;
    }
    const end = at + length;
    const equals = bytes.indexOf(0x3d, space);
    if (
      space === at || bytes[space] !== 0x20 || end > bytes.length ||
      bytes[end - 1] !== 0x0a || equals < 0 || equals >= end
    ) return undefined;
    for (let key = 0; key < KEYS.length; key++) {
      if (!hasAt(bytes, space + 1, KEYS[key])) continue;
      found[key] = [equals + 1, end - 1];
    }
    at = end;
  }
  const [path, linkPath, size, time, sparse] = found.map((place) =>
    place && bytes.slice(...place)
  );
  const overrides: Overrides = {};
  if (path) overrides.name = path;
  if (linkPath) overrides.target = linkPath;
  if (size) overrides.size = decimal(size);
  if (time) overrides.time = decimal(time) ?? 0;
  if (sparse) overrides.sparse = true;
  return overrides;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte < ZERO + 10;
}

/** Whether these bytes are at a place. */
function hasAt(bytes: Uint8Array, at: number, what: Uint8Array): boolean {
  for (let index = 0; index < what.length; index++) {
    if (bytes[at + index] !== what[index]) return false;
  }
  return true;
}

/** Reads the number in a record, without its decimals. */
function decimal(value: Uint8Array): number | undefined {
  const digits = /^\d+/.exec(ascii(value));
  return digits === null ? undefined : Number(digits[0]);
}
