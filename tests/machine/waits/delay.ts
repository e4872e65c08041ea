import type { Machine } from "../../../mod.ts";

/**
 * How long after the thing has happened a wait for it answers, in seconds, by
 * the guest's clock: the median of five. What five commands take at that moment
 * is not counted: on a busy machine, all takes longer.
 *
 * @param times Makes the wait and the command after which it has happened, and
 * where the wait needs that, a command before it.
 */
export async function medianDelay(
  machine: Machine,
  times: (
    n: number,
  ) => { before?: string; wait: () => Promise<unknown>; happen: string },
): Promise<number> {
  const delays: number[] = [];
  for (let n = 0; n < 5; n++) {
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
    delays.push(Number(answered) - Number(happened) - 5 * command);
  }
  return delays.sort((a, b) => a - b)[2];
}
