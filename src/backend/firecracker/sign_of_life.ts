import type { ByteStream } from "../../stream/mod.ts";
import { within } from "../../time/mod.ts";

/** Seconds in which a guest that lives takes a connection … */
const ENOUGH = 1;
/** … in so many parts. */
const PARTS = 4;

/** How to reach a guest, and its hypervisor. */
export interface Reach {
  /** Connects to the guest. */
  dial(signal: AbortSignal): Promise<ByteStream>;
  /** Asks the hypervisor why the guest stands still, if it does. */
  standsStill(): Promise<string | undefined>;
}

/**
 * Whether a guest takes a connection within a second. Time in which it is
 * paused, or its hypervisor is stopped and answers nothing, does not count.
 */
export async function isAlive(reach: Reach): Promise<boolean> {
  const over = new AbortController();
  const taken = reach.dial(over.signal).then((stream) => {
    stream.close();
    return true;
  }, () => false);
  for (let left = PARTS; left > 0;) {
    const isTaken = await within(ENOUGH / PARTS, taken);
    if (isTaken !== undefined) return isTaken;
    const why = await reach.standsStill().catch(() => undefined);
    if (why === undefined) left--;
  }
  over.abort();
  return await taken;
}
