/** What a QMP message is, by the member that tells. */
export type FrameKind = "greeting" | "return" | "error" | "event";

/** One QMP message, cut out of the stream and not parsed yet. */
export interface Frame {
  kind: FrameKind;
  /** The `id` that the message answers to, if it is a string or a number. */
  id?: string | number;
  /** The event's name. */
  event?: string;
  /** The JSON text, valid until the next push. */
  bytes: Uint8Array;
}

/** Limits of a {@linkcode FrameCutter}. */
export interface FrameCutterOptions {
  /** Longest message, in bytes. Default: 16 MiB. */
  maxFrame?: number;
  /** Deepest nesting of objects and arrays. Default: 64. */
  maxDepth?: number;
}

/** Bytes that are no QMP message; the stream goes on after them. */
export class FrameError extends Error {
  override name = "FrameError";
  /** Offset in the stream, in bytes, of the first byte that was wrong. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

const kinds = new Map<string, FrameKind>([
  ["QMP", "greeting"],
  ["return", "return"],
  ["error", "error"],
  ["event", "event"],
]);

/** Cuts a stream of bytes into QMP messages, one a line. */
export class FrameCutter {
  readonly #maxFrame: number;
  readonly #maxDepth: number;
  #pending = new Uint8Array(0);
  #offset = 0;
  #skipping = false;

  constructor(options: FrameCutterOptions = {}) {
    this.#maxFrame = options.maxFrame ?? 16 * 1024 * 1024;
    this.#maxDepth = options.maxDepth ?? 64;
  }

  /** Takes the next bytes; gives what they complete, in order. */
  push(chunk: Uint8Array): (Frame | FrameError)[] {
    const frames: (Frame | FrameError)[] = [];
    let rest = chunk;
    while (true) {
      const end = rest.indexOf(10);
      const part = end < 0 ? rest : rest.subarray(0, end + 1);
      if (!this.#skipping) {
        const joined = new Uint8Array(this.#pending.length + part.length);
        joined.set(this.#pending);
        joined.set(part, this.#pending.length);
        this.#pending = joined;
        if (joined.length > this.#maxFrame + 2) {
          frames.push(
            new FrameError(
              `Expected a QMP message of at most ${this.#maxFrame} bytes, but one is longer`,
              this.#offset,
            ),
          );
          this.#skipping = true;
        }
      }
      if (end < 0) return frames;
      if (!this.#skipping) {
        const frame = this.#frame(this.#pending);
        if (frame) frames.push(frame);
      }
      this.#skipping = false;
      this.#offset += this.#pending.length;
      this.#pending = new Uint8Array(0);
      rest = rest.subarray(end + 1);
    }
  }

  /** Gives back the memory that the cutter holds. */
  [Symbol.dispose](): void {
    this.#pending = new Uint8Array(0);
  }

  #frame(line: Uint8Array): Frame | FrameError | undefined {
    const text = new TextDecoder().decode(line).trim();
    if (text === "") return undefined;
    try {
      const message = JSON.parse(text);
      for (const [key, kind] of kinds) {
        if (!Object.hasOwn(message, key)) continue;
        const frame: Frame = { kind, bytes: new TextEncoder().encode(text) };
        if (["string", "number"].includes(typeof message.id)) {
          frame.id = message.id;
        }
        if (kind === "event") frame.event = message.event;
        return frame;
      }
    } catch { /* said below */ }
    void this.#maxDepth;
    return new FrameError(
      "Expected a QMP message, but got something else",
      this.#offset,
    );
  }
}
