/** Bytes of a line of the caches. */
const LINE = 16;
/** The register of a call's number; that of where a routine returns to. */
const NUMBER = 8, LINK = 30;
const EXIT = 93;

/** Answers a call of the kernel; its numbers have 32 bits. */
export type Kernel = (number: number, args: number[]) => number;

/**
 * Runs the few instructions of Arm's processors of 64 bits that the driver uses,
 * in a memory from address 0. As a real processor may, it does not find what was
 * written as instructions before that has gone from the cache of data to the
 * cache of instructions.
 */
export class ArmProcessor {
  readonly memory = new Uint8Array(0x20000);
  /** The last is that of the stack. */
  readonly registers = new Uint32Array(32);
  readonly #view = new DataView(this.memory.buffer);
  readonly #kernel: Kernel;
  /**
   * How far the lines have come that were written, and are no instructions yet:
   * `dc`, `dsb`, `ic`, `dsb` and `isb` take them on, in this order.
   */
  readonly #written = new Map<number, number>();
  /** What was compared last. */
  #compared = [0, 0];

  /** Takes the kernel, and instructions that are at an address. */
  constructor(kernel: Kernel, code: Uint8Array, address: number) {
    this.#kernel = kernel;
    this.memory.set(code, address);
  }

  /** Writes data. */
  write(bytes: Uint8Array, address: number): void {
    this.memory.set(bytes, address);
    for (let at = address; at < address + bytes.length; at++) {
      this.#written.set(lineOf(at), 0);
    }
  }

  /** The text at an address, up to a byte 0. */
  text(address: number): string {
    const end = this.memory.indexOf(0, address);
    return new TextDecoder().decode(this.memory.subarray(address, end));
  }

  /** Runs from an address on, until the program exits. */
  run(address: number): void {
    let at: number | undefined = address;
    while (at !== undefined) {
      if (this.#written.has(lineOf(at))) {
        throw new Error(
          `expected instructions at ${at}, which are in no cache`,
        );
      }
      at = this.#step(at, this.#view.getUint32(at, true));
    }
  }

  /** Runs an instruction, and returns the address of the next. */
  #step(at: number, word: number): number | undefined {
    const { registers: r } = this;
    const is = (mask: number, bits: number) => ((word & mask) >>> 0) === bits;
    const d = word & 31, n = word >>> 5 & 31, m = word >>> 16 & 31;
    const immediate = word >>> 10 & 0xfff;
    if (is(0xffe00000, 0x52800000)) r[d] = word >>> 5 & 0xffff;
    else if (is(0xffe00000, 0x72a00000)) {
      r[d] = (r[d] & 0xffff) | (word >>> 5 & 0xffff) << 16;
    } else if (is(0xffe0ffe0, 0x2a0003e0)) r[d] = r[m];
    else if (is(0xffe0fc00, 0x0b000000)) r[d] = r[n] + r[m];
    else if (is(0xffe0fc00, 0x8b000000)) r[d] = r[n] + r[m];
    else if (is(0xffe0fc00, 0x4b000000)) r[d] = r[n] - r[m];
    else if (is(0xffc00000, 0x11000000)) r[d] = r[n] + immediate;
    else if (is(0xffc00000, 0x51000000)) r[d] = r[n] - immediate;
    else if (is(0xffc00000, 0x71000000)) {
      this.#compared = [r[n], immediate];
      if (d !== 31) r[d] = r[n] - immediate;
    } else if (is(0xffe0fc1f, 0x6b00001f)) this.#compared = [r[n], r[m]];
    else if (is(0xffc0fc00, 0x32000000)) r[d] = r[n] | 1 << (32 - m) % 32;
    else if (is(0xffc00000, 0xb9400000)) {
      r[d] = this.#view.getUint32(r[n] + 4 * immediate, true);
    } else if (is(0xffc00000, 0xf9400000)) {
      r[d] = Number(this.#view.getBigUint64(r[n] + 8 * immediate, true));
    } else if (is(0xffc00000, 0xb9000000)) {
      this.#view.setUint32(r[n] + 4 * immediate, r[d], true);
    } else if (is(0xffffffe0, 0xd50b7b20)) this.#take(0, lineOf(r[d]));
    else if (is(0xffffffe0, 0xd50b7520)) this.#take(2, lineOf(r[d]));
    else if (is(0xffffffff, 0xd5033b9f)) {
      this.#take(3);
      this.#take(1);
    } else if (is(0xffffffff, 0xd5033fdf)) {
      this.#take(4);
    } else if (is(0xffffffff, 0xd4000001)) {
      if (r[NUMBER] === EXIT) return undefined;
      r[0] = this.#kernel(r[NUMBER], [...r.subarray(0, 6)]);
    } else if (is(0xff000010, 0x54000000)) {
      if (this.#holds(word & 15)) return at + 4 * signed(word >>> 5, 19);
    } else if (is(0xff000000, 0x34000000)) {
      if (r[d] === 0) return at + 4 * signed(word >>> 5, 19);
    } else if (is(0xfc000000, 0x14000000)) return at + 4 * signed(word, 26);
    else if (is(0xfffffc1f, 0xd63f0000)) {
      r[LINK] = at + 4;
      return r[n];
    } else if (is(0xfffffc1f, 0xd65f0000)) return r[n];
    else throw new Error(`no instruction: ${word.toString(16)}`);
    return at + 4;
  }

  /** Takes lines on that have come so far: all of them, or one. */
  #take(stage: number, only?: number): void {
    for (const [line, done] of this.#written) {
      if (done !== stage || (only ?? line) !== line) continue;
      if (stage === 4) this.#written.delete(line);
      else this.#written.set(line, stage + 1);
    }
  }

  /** Whether a condition holds for what was compared last. */
  #holds(condition: number): boolean {
    const [a, b] = this.#compared;
    switch (condition) {
      case 1: // ne
        return a !== b;
      case 3: // lo
        return a < b;
      case 5: // pl
        return (a - b | 0) >= 0;
      case 8: // hi
        return a > b;
      case 13: // le
        return (a | 0) <= (b | 0);
      default:
        throw new Error(`no condition: ${condition}`);
    }
  }
}

function lineOf(address: number): number {
  return address - address % LINE;
}

/** The lowest bits of a number, the first of which is its sign. */
function signed(number: number, bits: number): number {
  return number << (32 - bits) >> (32 - bits);
}
