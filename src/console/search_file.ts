import type { ConsoleFile } from "./console_file.ts";
import type { Found, Wait, Watch } from "./watch.ts";

/** Bytes of the file that one read takes. */
const piece = 1 << 18;
/**
 * Bytes that a search in the file reads first; each read takes twice as many as
 * the one before.
 */
const firstPiece = 1 << 12;
/** Bytes that a search reads before it lets other code run. */
const turn = 1 << 22;

/** The callbacks of a search. */
export interface Search {
  /** Called with what the watch has found. */
  found(watch: Watch, found: Found): void;
  /** Whether any wait is still pending. */
  isPending(wait: Wait): boolean;
}

/**
 * Searches the text in a console's file for waits. It yields where other code
 * is to run; to end it before its end disposes of the watch.
 *
 * @param watch A new watch, from where the search begins.
 * @param waits The waits, in the order of where their own searches begin.
 * @returns The watch, which then has read all of the file and serves all waits;
 * nothing, if no wait needs it.
 */
export function* searchFile(
  file: ConsoleFile,
  watch: Watch,
  waits: readonly Wait[],
  { found, isPending }: Search,
): Generator<void, Watch | undefined, void> {
  let isDone = false;
  try {
    const buffer = new Uint8Array(piece);
    let added = 0;
    let searched = 0;
    let size = firstPiece;
    for (let at = watch.base;;) {
      while (added < waits.length && waits[added].from <= at) {
        watch.add(waits[added++]);
      }
      let stop = Math.min(at + size, file.length);
      size = Math.min(2 * size, piece);
      if (added < waits.length) stop = Math.min(stop, waits[added].from);
      if (stop <= at) break;
      const bytes = file.read(at, buffer.subarray(0, stop - at));
      // Another program has cut the file short, and the rest is lost.
      if (bytes.length === 0) break;
      at += bytes.length;
      found(watch, watch.scan(bytes));
      // The live watch is enough.
      if (waits.every((w) => w.id !== undefined || !isPending(w))) return;
      searched += bytes.length;
      if (searched >= turn) {
        searched = 0;
        yield;
      }
    }
    while (added < waits.length) watch.add(waits[added++]);
    isDone = true;
    return watch;
  } finally {
    if (!isDone) watch[Symbol.dispose]();
  }
}
