import { UsageError } from "../errors.ts";

/** A part of a suite, of those that run on different hosts. */
export interface Shard {
  /** Which part, from 1 up. */
  readonly index: number;
  /** How many parts there are. */
  readonly count: number;
}

/**
 * Reads the value of `--shard`.
 *
 * @param text `2/5` for example.
 * @throws {UsageError} if it is something else.
 */
export function parseShard(text: string): Shard {
  const [, index, count] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (index >= 1 && index <= count) return { index, count };
  throw new UsageError(
    `--shard expects I/N, the part I from 1 to N, got ${JSON.stringify(text)}`,
  );
}
