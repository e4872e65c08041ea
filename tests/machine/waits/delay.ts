import type { Machine } from "../../../mod.ts";

/** How often a delay is measured at most. */
const TRIES = 20;

/**
 * How long after the thing has happened a wait for it answers, in seconds, by
 * the guest's clock: the first delay of several that is shorter than `limit`,
 * else the shortest. On a busy machine a single one says little. What five
 * commands take at that moment is not counted.
 *
 * The thing happens just after the wait has looked for it, so that a wait that
 * looks once a second is late each time.
 *
 * @param times Makes the wait and the command after which it has happened, and
 * where the wait needs that, a command before it.
 */
export async function shortestDelay(
  machine: Machine,
  limit: number,
  times: (
    n: number,
  ) => { before?: string; wait: () => Promise<unknown>; happen: string },
): Promise<number> {
  let shortest = Infinity;
  for (let n = 0; n < TRIES && shortest >= limit; n++) {
    const { before, wait, happen } = times(n);
    if (before !== undefined) await machine.succeed(before);
    const waiting = wait();
    // When this is done, the wait has looked, and found nothing.
    await machine.succeed(":");
    const happened = await machine.succeed(`${happen}\necho $EPOCHREALTIME`);
    await waiting;
    const answered = await machine.succeed("echo $EPOCHREALTIME");
    const asked = await machine.succeed("echo $EPOCHREALTIME");
    const command = Number(asked) - Number(answered);
    shortest = Math.min(
      shortest,
      Number(answered) - Number(happened) - 5 * command,
    );
  }
  return shortest;
}
