/**
 * The tar format, as far as files, directories and links need it, with GNU's
 * records for long names and those of pax(1); see tar(5).
 *
 * @module
 */

/** Bytes of a block: headers are one, and contents are filled up to whole ones. */
export const BLOCK = 512;
/** Bytes of a name in a header. */
export const NAME_LENGTH = 100;

/** The kinds of entries that the driver makes. */
export type Kind = "file" | "directory" | "symlink" | "hard link";

/** The type flags of these kinds. */
export const TYPE_FLAGS: Record<Kind, string> = {
  file: "0",
  directory: "5",
  symlink: "2",
  "hard link": "1",
};
/** A file; old systems stored such a file in one piece. */
export const CONTIGUOUS = "7";

/** The type flags of records, which describe the next entry. */
export const LONG_NAME = "L", LONG_LINK = "K", PAX = "x", GLOBAL_PAX = "g";

/** The facts about a file in an archive, beside its name and kind. */
export interface Facts {
  /** The permissions. */
  mode: number;
  /** Seconds since 1970. */
  time: number;
}

/** How many bytes fill up a content of this size. */
export function padding(size: number): number {
  return (BLOCK - size % BLOCK) % BLOCK;
}

/** Whether all bytes are zero. */
export function isZero(bytes: Uint8Array): boolean {
  // This is ten times as fast as the method `every`.
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] !== 0) return false;
  }
  return true;
}

/**
 * Whether a header's checksum is right. For the sum, the checksum's own bytes
 * count as spaces.
 */
export function hasRightSum(block: Uint8Array): boolean {
  let sum = 8 * 0x20;
  for (let at = 0; at < BLOCK; at++) {
    if (at < 148 || at >= 156) sum += block[at];
  }
  return numeric(block.subarray(148, 156)) === sum;
}

/**
 * Reads the number in a field: octal digits, or binary if the number is too
 * large.
 */
export function numeric(field: Uint8Array): number | undefined {
  if (field[0] === 0x80) {
    return field.subarray(1).reduce((value, byte) => value * 256 + byte, 0);
  }
  const digits = ascii(cString(field)).trim();
  return /^[0-7]*$/.test(digits) ? parseInt(digits || "0", 8) : undefined;
}

/** The bytes up to the first NUL. */
export function cString(field: Uint8Array): Uint8Array {
  const end = field.indexOf(0);
  return end < 0 ? field : field.slice(0, end);
}

/** Decodes bytes as characters, one for each byte. */
export function ascii(bytes: Uint8Array): string {
  return latin1.decode(bytes);
}

const latin1 = new TextDecoder("latin1");
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Decodes bytes; nothing if they are not UTF-8. */
export function decoded(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** A name for messages. Like `ls -b`, it escapes bytes that are not ASCII. */
export function escaped(bytes: Uint8Array): string {
  return Array.from(
    bytes,
    (byte) =>
      byte >= 0x20 && byte < 0x7f
        ? String.fromCharCode(byte)
        : `\\${byte.toString(8).padStart(3, "0")}`,
  ).join("");
}
