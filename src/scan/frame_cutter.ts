import { GrowingBytes } from "./growing_bytes.ts";
import { pieces, wasm, wordsAt, writeInput } from "./wasm.ts";

/**
 * The kind of a QMP message: its member `QMP`, `return`, `error` or `event`
 * tells it.
 */
export type FrameKind = "greeting" | "return" | "error" | "event";

/** One QMP message, cut out of the stream and not parsed yet. */
export interface Frame {
  /** What the message is. */
  kind: FrameKind;
  /** The `id` that the message answers to, if it is a string or a number. */
  id?: string | number;
  /** The event's name. */
  event?: string;
  /** The message's JSON text, without space around it. Valid until the next push. */
  bytes: Uint8Array;
}

/** Limits of a {@linkcode FrameCutter}. */
export interface FrameCutterOptions {
  /**
   * Bytes of the longest message.
   *
   * @default {16777216}
   */
  maxFrame?: number;
  /**
   * The deepest nesting of objects and arrays.
   *
   * @default {64}
   */
  maxDepth?: number;
}

/** Bytes that are no QMP message; the stream goes on after them. */
export class FrameError extends Error {
  /** The class's name. */
  override name = "FrameError";
  /** Offset in the stream, in bytes, of the first byte that was wrong. */
  readonly offset: number;
  /** Whether it may be a message that is larger than a limit allows. */
  readonly isTooLarge: boolean;

  /** Describes the error and its place in the stream. */
  constructor(message: string, offset: number, isTooLarge = false) {
    super(message);
    this.offset = offset;
    this.isTooLarge = isTooLarge;
  }
}

// The bits of wasm/scanner/frames.ts.
const kinds = new Map<number, FrameKind>([
  [1, "greeting"],
  [2, "return"],
  [4, "error"],
  [8, "event"],
]);
const tooLong = 3, tooDeep = 4;
const recordWords = 8;

const decoder = new TextDecoder();

// Frees the memory of cutters that nobody has disposed of.
const abandoned = new FinalizationRegistry((stream: number) =>
  wasm.freeFrameStream(stream)
);

/**
 * Cuts a stream of bytes into QMP messages and tells their kinds, before
 * anybody parses them. A message is a JSON object (RFC 8259). The cutter checks
 * it as it comes, so that `JSON.parse` accepts every message that it returns.
 * Only white space may stand between messages.
 *
 * The cutter reports an error once and skips to the next line that begins with
 * a brace: QEMU begins each message on a new line, and indents the other lines
 * of a message (`pretty=on`).
 */
export class FrameCutter {
  readonly #maxFrame: number;
  readonly #maxDepth: number;
  /** The bytes so far of the incomplete message. */
  readonly #pending = new GrowingBytes();
  #stream: number;
  #offset = 0;

  /**
   * Begins a stream.
   *
   * @throws {RangeError} If a limit is not a whole number from 1 to 1 GiB
   */
  constructor(options: FrameCutterOptions = {}) {
    this.#maxFrame = limit("maxFrame", options.maxFrame ?? 16 * 1024 * 1024);
    this.#maxDepth = limit("maxDepth", options.maxDepth ?? 64);
    this.#stream = wasm.newFrameStream(this.#maxFrame, this.#maxDepth);
    abandoned.register(this, this.#stream, this);
  }

  /**
   * Takes the next bytes. Returns the messages that they complete and the
   * errors, in order.
   */
  push(chunk: Uint8Array): (Frame | FrameError)[] {
    if (this.#stream === 0) throw new TypeError("The cutter was disposed of");
    const frames: (Frame | FrameError)[] = [];
    for (const piece of pieces(chunk)) {
      writeInput(piece);
      const unfinished = wasm.cutFrames(this.#stream, piece.length);
      const records = wordsAt(
        wasm.recordAddress(this.#stream),
        wasm.recordCount(this.#stream) * recordWords,
      );
      for (let i = 0; i < records.length; i += recordWords) {
        frames.push(this.#read(records.subarray(i, i + recordWords), piece));
        this.#pending.clear();
      }
      // Nothing remains of a message with an error, whatever its events were.
      if (unfinished === 0) this.#pending.clear();
      else {
        const fresh = unfinished - this.#pending.length;
        this.#pending.append(piece.subarray(piece.length - fresh));
      }
      this.#offset += piece.length;
    }
    return frames;
  }

  /** Frees the memory that the cutter holds. */
  [Symbol.dispose](): void {
    if (this.#stream === 0) return;
    abandoned.unregister(this);
    wasm.freeFrameStream(this.#stream);
    this.#stream = 0;
    this.#pending.clear(0);
  }

  #read(record: Uint32Array, piece: Uint8Array): Frame | FrameError {
    const [what, , , members] = record;
    const [begin, end] = [record[1] | 0, record[2] | 0];
    if (what !== 0) {
      return new FrameError(
        this.#complaint(what),
        this.#offset + begin,
        what === tooLong || what === tooDeep,
      );
    }
    let bytes = piece.subarray(Math.max(0, begin), end);
    if (begin < 0) {
      this.#pending.append(bytes);
      bytes = this.#pending.bytes.slice();
    }
    const kind = kinds.get(members & 15);
    if (kind === undefined) {
      return new FrameError(
        "Expected a QMP message with one of the members QMP, return, error and event, but got one with " +
          ((members & 15) === 0 ? "none" : "several"),
        this.#offset + begin,
      );
    }
    const frame: Frame = { kind, bytes };
    const id = valueAt(bytes, record[4], record[5]);
    if (typeof id === "string" || typeof id === "number") frame.id = id;
    if (kind === "event") {
      const event = valueAt(bytes, record[6], record[7]);
      if (typeof event !== "string") {
        return new FrameError(
          "Expected a QMP event's name to be a string, but it is something else",
          this.#offset + begin,
        );
      }
      frame.event = event;
    }
    return frame;
  }

  #complaint(what: number): string {
    switch (what) {
      case 1:
        return "Expected a QMP message to begin with a brace, but got something else";
      case tooLong:
        return `Expected a QMP message of at most ${this.#maxFrame} bytes, but got a longer one`;
      case tooDeep:
        return `Expected a QMP message nested at most ${this.#maxDepth} deep, but got a deeper one`;
      case 5:
        return "Expected the rest of a QMP message, but another one begins";
      default:
        return "Expected a QMP message to be JSON, but it is not";
    }
  }
}

/** The string or number at a place in a message. */
function valueAt(bytes: Uint8Array, start: number, end: number): unknown {
  // Nobody asks for an object, which may be as long as the message.
  if (end === 0 || bytes[start] === 0x7b || bytes[start] === 0x5b) {
    return undefined;
  }
  return JSON.parse(decoder.decode(bytes.subarray(start, end)));
}

function limit(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= 2 ** 30) return value;
  throw new RangeError(
    `Expected ${name} to be a whole number from 1 to ${
      2 ** 30
    }, but got ${value}`,
  );
}
