/** Types of blocks. */
const SECTION = 0x0a0d0d0a, INTERFACE = 1, PACKET = 6;
/** The mark of the byte order. */
const BYTE_ORDER = 0x1a2b3c4d;
/** The number of Ethernet among link types. */
const ETHERNET = 1;
/** Options of blocks. */
const END = 0, NAME = 2, DESCRIPTION = 3, APPLICATION = 4, FLAGS = 2;

/** The direction of a frame, as its interface sees it. */
export type PacketDirection = "in" | "out";

const DIRECTION_FLAGS: Record<PacketDirection, number> = { in: 1, out: 2 };

/**
 * The beginning of a capture in the format pcapng.
 *
 * See https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html
 */
export function sectionHeader(): Uint8Array {
  return block(SECTION, (bytes) => {
    bytes.u32(BYTE_ORDER);
    bytes.u16(1);
    bytes.u16(0);
    // The section's length is unknown.
    bytes.u32(0xffffffff);
    bytes.u32(0xffffffff);
    bytes.option(APPLICATION, text("vmwright"));
    bytes.u32(END);
  });
}

/** An interface with a name. Its number is the number of earlier interfaces. */
export function interfaceDescription(
  name: string,
  description?: string,
): Uint8Array {
  return block(INTERFACE, (bytes) => {
    bytes.u16(ETHERNET);
    bytes.u16(0);
    // Frames are complete.
    bytes.u32(0);
    bytes.option(NAME, text(name));
    if (description !== undefined) bytes.option(DESCRIPTION, text(description));
    bytes.u32(END);
  });
}

/**
 * A frame.
 *
 * @param interfaceNumber The number of its interface.
 * @param date Its time, in milliseconds since 1970.
 */
export function packet(
  interfaceNumber: number,
  date: number,
  frame: Uint8Array,
  direction?: PacketDirection,
): Uint8Array {
  return block(PACKET, (bytes) => {
    bytes.u32(interfaceNumber);
    // In microseconds, the higher half first.
    const time = Math.round(date * 1000);
    bytes.u32(Math.floor(time / 2 ** 32));
    bytes.u32(time % 2 ** 32);
    bytes.u32(frame.length);
    bytes.u32(frame.length);
    bytes.padded(frame);
    if (direction === undefined) return;
    const flags = new Uint8Array(4);
    new DataView(flags.buffer).setUint32(0, DIRECTION_FLAGS[direction], true);
    bytes.option(FLAGS, flags);
    bytes.u32(END);
  }, frame.length);
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function block(
  type: number,
  fill: (bytes: Bytes) => void,
  about = 0,
): Uint8Array {
  const bytes = new Bytes(about + 256);
  bytes.u32(type);
  bytes.u32(0);
  fill(bytes);
  return bytes.finish();
}

/** A growing sequence of bytes, little-endian. */
class Bytes {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(room: number) {
    this.#bytes = new Uint8Array(room);
    this.#view = new DataView(this.#bytes.buffer);
  }

  u16(value: number): void {
    this.#reserve(2);
    this.#view.setUint16(this.#length, value, true);
    this.#length += 2;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  /** Bytes, and zeros up to the next multiple of four. */
  padded(bytes: Uint8Array): void {
    const length = Math.ceil(bytes.length / 4) * 4;
    this.#reserve(length);
    this.#bytes.set(bytes, this.#length);
    this.#length += length;
  }

  option(code: number, value: Uint8Array): void {
    this.u16(code);
    this.u16(value.length);
    this.padded(value);
  }

  /** The block with its length at both ends. */
  finish(): Uint8Array {
    this.u32(this.#length + 4);
    this.#view.setUint32(4, this.#length, true);
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.#length + count));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
