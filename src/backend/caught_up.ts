import { delay } from "../time/mod.ts";

/** Turns of the event loop without a read after which all is read. */
const CALM = 2;
/** Turns after which streams that are never empty are left alone. */
const MOST = 100;

/**
 * Waits until all has been read that is in a guest's streams now. What the
 * hypervisor says elsewhere may be read before what it has written here earlier.
 *
 * @param readers What reads the streams, with how many reads have ended.
 */
export async function haveCaughtUp(
  readers: readonly { readonly reads: number }[],
): Promise<void> {
  const sum = () => readers.reduce((sum, { reads }) => sum + reads, 0);
  let before = sum();
  for (let turn = 0, calm = 0; calm < CALM && turn < MOST; turn++) {
    await delay(0);
    // A reader that is busy with what it has read keeps nobody waiting.
    calm = sum() === before ? calm + 1 : 0;
    before = sum();
  }
}
