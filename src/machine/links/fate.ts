import type { Impairments } from "./settings.ts";
import type { Random } from "./random.ts";

/** Milliseconds by which a frame is late, so that others overtake it. */
const HELD_BACK = 20;
/**
 * Milliseconds that a frame may wait for earlier ones, if there is a bandwidth.
 */
const LONGEST_WAIT = 1000;

/** The fate of a frame. */
export interface Fate {
  /** Whether it never arrives. */
  isLost: boolean;
  /** Whether it was dropped for lack of bandwidth. */
  isDropped: boolean;
  /** The number of its changed bit; -1 for none. */
  turnedBit: number;
  /** Whether others may overtake it. */
  isHeldBack: boolean;
  /** Whether it arrives twice. */
  isDouble: boolean;
  /** When it arrives, in milliseconds of the caller's clock. */
  due: number;
}

/**
 * Decides the fate of each frame of one direction of a link. With the same seed
 * and frames of the same lengths, it decides the same.
 */
export class Fates {
  readonly #settings: Impairments;
  readonly #random: Random;
  /** When the last frame arrives that others may not overtake. */
  #last = -Infinity;
  /** When the line has sent all frames so far. */
  #free = -Infinity;

  /** Takes the settings, and the source of random numbers. */
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
    // A setting that is off draws no number, so that it does not change the
    // fates of the others.
    return fraction > 0 && this.#random() < fraction;
  }
}
