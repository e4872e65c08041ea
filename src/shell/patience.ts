import { after, within } from "../time/mod.ts";

/** Seconds without an answer after which a shell that may be dead is. */
const NO_ANSWER = 30;
/** Seconds after each of which the hypervisor is asked. */
const ASK_AFTER = 10;
/** Seconds that the hypervisor has to say whether the guest stands still. */
const STATUS = 2;

/**
 * Calls `fn` when a shell has had long enough to answer.
 *
 * @returns What cancels that.
 */
export type Patience = (fn: () => void) => () => void;

/**
 * Makes the patience with a guest. Time in which the guest stands still is not
 * its own: the hypervisor may say so, or be stopped itself and say nothing. Nor
 * is time in which the driver is stopped: seconds are counted one by one.
 *
 * @param standsStill Asks the hypervisor why the guest stands still, if it does.
 */
export function patienceWith(
  standsStill?: () => Promise<string | undefined>,
): Patience {
  const isStill = () =>
    within(
      STATUS,
      standsStill!().then((why) => why !== undefined, () => false),
    );
  return (fn) => {
    let isOver = false;
    let left = NO_ANSWER;
    const wait = () =>
      after(1, async () => {
        left--;
        if (left % ASK_AFTER === 0 && standsStill !== undefined) {
          // A missing answer means a stopped hypervisor.
          if (await isStill() ?? true) left = NO_ANSWER;
        }
        if (isOver) return;
        if (left > 0) cancel = wait();
        else fn();
      });
    let cancel = wait();
    return () => {
      isOver = true;
      cancel();
    };
  };
}
