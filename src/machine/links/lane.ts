import type { FramePath } from "../../backend/mod.ts";
import { isClosedError, writeAll } from "../../stream/mod.ts";
import { delay } from "../../time/mod.ts";
import { Fates } from "./fate.ts";
import { FrameReader, HEADER } from "./frame_reader.ts";
import type { Random } from "./random.ts";
import type { Impairments } from "./settings.ts";

/** Bytes of waiting frames, at most. */
const ROOM = 64 * 1024 * 1024;
/** Bytes that one write takes. */
const BATCH = 256 * 1024;

/** Counters of the frames of one direction, while faults were set. */
export interface LaneCounters {
  /** Frames that were sent into the link. */
  frames: number;
  /** Their bytes. */
  bytes: number;
  /** Frames lost by `loss`. */
  lost: number;
  /**
   * Frames that were dropped for lack of bandwidth, or because 64 MiB were
   * waiting.
   */
  dropped: number;
  /** Frames that a partition has stopped. */
  barred: number;
  /** Frames that arrived twice. */
  duplicated: number;
  /** Frames that others could overtake. */
  reordered: number;
  /** Frames with a changed bit. */
  corrupted: number;
}

/** Counters without any frames. */
export function noFrames(): LaneCounters {
  return {
    frames: 0,
    bytes: 0,
    lost: 0,
    dropped: 0,
    barred: 0,
    duplicated: 0,
    reordered: 0,
    corrupted: 0,
  };
}

/** The parts that a lane uses. */
export interface LaneOptions {
  /** Decides the fates of frames. */
  random: Random;
  /** The counters. */
  counters: LaneCounters;
  /** Gets each frame, and returns whether to stop it. */
  bars(frame: Uint8Array): boolean;
  /** Gets each frame that comes, before anything is done to it. */
  comes?(frame: Uint8Array): void;
  /** Gets each frame that goes on, after all that was done to it. */
  goes?(frame: Uint8Array): void;
}

/** Milliseconds without a frame, after which there are no more to read. */
const IDLE_MS = 2;

/** A waiting frame, with its length before it. */
interface Waiting {
  due: number;
  bytes: Uint8Array;
}

/**
 * One direction of a link: takes frames, applies the settings, and passes them
 * on. It never stops reading: QEMU stands still while nobody reads its output.
 */
export class Lane {
  readonly #path: FramePath;
  readonly #options: LaneOptions;
  readonly #reader: FrameReader;
  readonly #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #outgoing: Uint8Array[] = [];
  #outgoingBytes = 0;
  #writing?: Promise<void>;
  #written = 0;
  #fates?: Fates;
  #timer?: ReturnType<typeof setTimeout>;
  /** When the timer fires. */
  #timerDue = Infinity;
  #isOver = false;

  /** Takes the path of the frames. */
  constructor(path: FramePath, options: LaneOptions) {
    this.#path = path;
    this.#options = options;
    this.#reader = new FrameReader(path.from);
    this.#run();
  }

  /** Applies this to each frame from now on; `null`: nothing. */
  set(settings: Impairments | null): void {
    this.#fates = settings === null
      ? undefined
      : new Fates(settings, this.#options.random);
  }

  /**
   * Passes on all waiting frames at once, in their order.
   *
   * @returns How many bytes QEMU has to read for that.
   */
  async drain(): Promise<number> {
    const before = this.#written;
    this.set(null);
    // Everything that QEMU has written can be read now, but nothing marks its
    // end.
    for (let seen = -1; seen !== this.#options.counters.frames;) {
      seen = this.#options.counters.frames;
      await delay(IDLE_MS / 1000);
    }
    this.#forward(Infinity);
    while (this.#writing !== undefined) await this.#writing;
    return this.#written - before;
  }

  /** Drops the waiting frames, and ends. */
  close(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
  }

  async #run(): Promise<void> {
    try {
      while (true) {
        const frames = await this.#reader.next();
        if (frames === null || this.#isOver) break;
        const now = performance.now();
        for (const frame of frames) this.#take(frame, now);
        this.#forward(performance.now());
      }
    } catch (error) {
      if (!isClosedError(error)) throw error;
    } finally {
      this.close();
    }
  }

  /** Takes a frame with its length before it. */
  #take(bytes: Uint8Array, now: number): void {
    const { counters, bars } = this.#options;
    const frame = bytes.subarray(HEADER);
    this.#options.comes?.(frame);
    counters.frames++;
    counters.bytes += frame.length;
    if (bars(frame)) {
      counters.barred++;
      return;
    }
    const fate = this.#fates?.next(now, frame.length);
    if (fate === undefined && this.#waiting.length === 0) {
      return this.#send(bytes);
    }
    if (fate?.isLost) {
      counters.lost++;
      return;
    }
    if (fate?.isDropped || this.#waitingBytes > ROOM) {
      counters.dropped++;
      return;
    }
    if (fate !== undefined && fate.turnedBit >= 0) {
      counters.corrupted++;
      frame[fate.turnedBit >> 3] ^= 1 << (fate.turnedBit & 7);
    }
    if (fate?.isHeldBack) counters.reordered++;
    const due = fate?.due ?? now;
    this.#wait({ due, bytes });
    if (!fate?.isDouble) return;
    counters.duplicated++;
    this.#wait({ due, bytes });
  }

  #wait(frame: Waiting): void {
    // Nearly all frames are due last.
    let at = this.#waiting.length;
    while (at > 0 && this.#waiting[at - 1].due > frame.due) at--;
    this.#waiting.splice(at, 0, frame);
    this.#waitingBytes += frame.bytes.length;
  }

  /** Sends the frames that are due, and sets the timer for the others. */
  #forward(now: number): void {
    let count = 0;
    while (count < this.#waiting.length && this.#waiting[count].due <= now) {
      const { bytes } = this.#waiting[count++];
      this.#waitingBytes -= bytes.length;
      this.#send(bytes);
    }
    if (count > 0) this.#waiting.splice(0, count);
    const due = this.#waiting[0]?.due ?? Infinity;
    if (due === this.#timerDue) return;
    clearTimeout(this.#timer);
    this.#timerDue = due;
    if (due === Infinity) return;
    this.#timer = setTimeout(() => {
      this.#timerDue = Infinity;
      this.#forward(performance.now());
    }, Math.max(0, due - performance.now()));
  }

  #send(bytes: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#outgoingBytes > ROOM) {
      this.#options.counters.dropped++;
      return;
    }
    this.#options.goes?.(bytes.subarray(HEADER));
    this.#outgoing.push(bytes);
    this.#outgoingBytes += bytes.length;
    this.#writing ??= this.#write().finally(() => this.#writing = undefined);
  }

  async #write(): Promise<void> {
    // Frames that come with this one are sent with it.
    await undefined;
    try {
      while (this.#outgoing.length > 0) {
        const frames = this.#outgoing;
        this.#outgoing = [];
        const size = this.#outgoingBytes;
        await this.#writeFrames(frames);
        this.#outgoingBytes -= size;
        this.#written += size;
      }
    } catch (error) {
      if (!isClosedError(error)) throw error;
      this.close();
    }
  }

  async #writeFrames(frames: Uint8Array[]): Promise<void> {
    const { to } = this.#path;
    if (frames.length === 1) return await writeAll(to, frames[0]);
    let batch = new Uint8Array(Math.min(BATCH, this.#outgoingBytes));
    let filled = 0;
    for (const frame of frames) {
      if (filled + frame.length > batch.length) {
        await writeAll(to, batch.subarray(0, filled));
        filled = 0;
        if (frame.length > batch.length) batch = new Uint8Array(frame.length);
      }
      batch.set(frame, filled);
      filled += frame.length;
    }
    await writeAll(to, batch.subarray(0, filled));
  }
}
