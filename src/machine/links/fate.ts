import type { Impairments } from "./settings.ts";
import type { Random } from "./random.ts";

/** Milliseconds that a frame is held back for others to overtake it. */
const HELD_BACK = 20;
/** Milliseconds that a frame may wait for those before it, where a bandwidth is set. */
const LONGEST_WAIT = 1000;

/** What becomes of a frame. */
export interface Fate {
  /** Whether it never arrives. */
  isLost: boolean;
  /** Whether there was no room for it. */
  isDropped: boolean;
  /** The bit of it that is turned; -1 for none. */
  turnedBit: number;
  /** Whether others may overtake it. */
  isHeldBack: boolean;
  /** Whether it arrives twice. */
  isDouble: boolean;
  /** When it arrives, in milliseconds of the clock that was asked with. */
  due: number;
}

/**
 * Decides what becomes of each frame of one direction of a link. For one seed,
 * and frames of the same lengths, it decides the same.
 */
export class Fates {
  readonly #settings: Impairments;
  readonly #random: Random;
  /** When the last frame arrives that was not held back. */
  #last = -Infinity;
  /** When the line has sent all that it was given. */
  #free = -Infinity;

  /** Takes what is to be done to frames, and what decides. */
  constructor(settings: Impairments, random: Random) {
    this.#settings = settings;
    this.#random = random;
  }

  /**
   * Decides about the next frame.
   *
   * @param now When it was sent, in milliseconds.
   * @param bytes Its length.
   */
  next(now: number, bytes: number): Fate {
    const { delay, jitter, loss, duplicate, reorder, corrupt, bandwidth } =
      this.#settings;
    const fate = {
      isLost: this.#happens(loss),
      isDropped: false,
      turnedBit: this.#happens(corrupt)
        ? Math.floor(this.#random() * bytes * 8)
        : -1,
      isHeldBack: this.#happens(reorder),
      isDouble: this.#happens(duplicate),
      due: now,
    };
    const shift = jitter === 0 ? 0 : jitter * (2 * this.#random() - 1);
    if (fate.isLost) return fate;
    if (bandwidth < Infinity) {
      const start = Math.max(now, this.#free);
      if (start - now > LONGEST_WAIT) {
        fate.isDropped = true;
        return fate;
      }
      fate.due = this.#free = start + bytes * 8 / bandwidth * 1000;
    }
    fate.due += Math.max(0, delay + shift) * 1000;
    if (fate.isHeldBack) {
      fate.due += HELD_BACK;
    } else {
      fate.due = this.#last = Math.max(fate.due, this.#last);
    }
    return fate;
  }

  #happens(fraction: number): boolean {
    // What was not asked for draws no number, so that it changes no others.
    return fraction > 0 && this.#random() < fraction;
  }
}
