/** How long something may take in a guest. */
export interface FairTime {
  /** Seconds that are enough for a guest that is fast. */
  readonly least: number;
  /** How often a guest could ready its shell in the time that it needs. */
  readonly paces: number;
  /** The longest wait, in seconds. */
  readonly most: number;
}

/**
 * Tells how long to wait for something in a guest: longer for a slow guest than
 * for a fast one, because nobody likes to wait for a dead one.
 *
 * @param pace Seconds that the guest took to ready its shell.
 * @returns Seconds.
 */
export function fairTime(
  pace: number,
  { least, paces, most }: FairTime,
): number {
  return Math.min(most, Math.max(least, paces * pace));
}
