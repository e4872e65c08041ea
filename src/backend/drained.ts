import { MachineError } from "../errors.ts";
import { delay } from "../time/mod.ts";

/** Seconds in which the readers of a guest have to read something. */
const TIMEOUT = 30;
/** Looks in a row that find nothing new, after which all is read. */
const CALM = 3;
/** Seconds between two looks at a reader that does not read. */
const PAUSE = 0.005;

/** What {@linkcode untilDrained} looks at. */
export interface Drained {
  /** The machine's name. */
  readonly name: string;
  /** Asks the hypervisor for something. */
  readonly ask: () => Promise<unknown>;
  /** How many reads have ended, and whether all readers wait for more. */
  readonly taken: () => { reads: number; isAwaited: boolean };
}

/**
 * Waits until everything that a paused guest has written was read. Before its
 * hypervisor answers, it passes on all that the guest had written: when the
 * answer has come, the rest can be read, too.
 *
 * @throws {MachineError} if nobody reads for some time.
 */
export async function untilDrained(
  { name, ask, taken }: Drained,
): Promise<void> {
  let last = performance.now(), before = -1;
  for (let calm = 0; calm < CALM;) {
    // Before the look, in case the driver stands still during it.
    const isLate = performance.now() > last + TIMEOUT * 1000;
    await ask();
    await delay(0);
    const { reads, isAwaited } = taken();
    if (reads !== before) last = performance.now();
    calm = isAwaited && reads === before ? calm + 1 : 0;
    if (isLate && reads === before && !isAwaited) {
      throw new MachineError(
        `${name} can't be saved: the driver has read nothing of what it had ` +
          `written for ${TIMEOUT} seconds`,
      );
    }
    before = reads;
    if (!isAwaited) await delay(PAUSE);
  }
}
