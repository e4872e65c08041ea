import { after, within } from "../time/mod.ts";

/** Seconds without an answer after which a shell counts as dead. */
const NO_ANSWER = 30;
/** Seconds after each of which the hypervisor is asked. */
const ASK_AFTER = 10;
/** Seconds that the hypervisor has to say whether the guest is paused. */
const STATUS = 2;

/**
 * Calls `fn` when a shell has had enough time to answer.
 *
 * @returns A function that cancels this.
 */
export type Patience = (fn: () => void) => () => void;

/**
 * Makes the patience with a guest. Time in which the guest is paused does not
 * count: the hypervisor says so, or is stopped itself and says nothing. Nor
 * does time in which the driver is stopped, because seconds are counted one by
 * one.
 *
 * @param isPaused Asks the hypervisor whether the guest is paused.
 */
export function patienceWith(isPaused?: () => Promise<boolean>): Patience {
  const ask = () => within(STATUS, isPaused!().catch(() => false));
  return (fn) => {
    let isOver = false;
    let left = NO_ANSWER;
    const wait = () =>
      after(1, async () => {
        left--;
        if (left % ASK_AFTER === 0 && isPaused !== undefined) {
          // A missing answer means a stopped hypervisor.
          if (await ask() ?? true) left = NO_ANSWER;
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
