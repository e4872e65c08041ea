import { after } from "../time/mod.ts";

/** Seconds without an answer after which a shell that may be dead is. */
const NO_ANSWER = 30;

/**
 * Calls `fn` when a shell has had long enough to answer.
 *
 * @returns What cancels that.
 */
export function patience(fn: () => void): () => void {
  return after(NO_ANSWER, fn);
}
