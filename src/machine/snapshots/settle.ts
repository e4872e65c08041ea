import { delay } from "../../time/mod.ts";

/** Seconds between two looks. */
const LOOK = 0.1;
/** The part of a processor that an idle guest takes at most. */
const IDLE = 0.25;
/**
 * Seconds of a processor's time after which a guest counts as one that always
 * has something to do. It is so much older than its snapshot then.
 */
const PATIENCE = 1;

/**
 * Waits until a guest is idle, but not for long.
 *
 * @param pid The guest's process on the host.
 * @param signal Ends the wait.
 */
export async function settle(pid: number, signal: AbortSignal): Promise<void> {
  const first = timesOf(pid);
  let last = performance.now(), before = first;
  while (!signal.aborted && before.ran - first.ran < PATIENCE * 1000) {
    await delay(LOOK, signal).catch(() => {});
    const now = performance.now(), times = timesOf(pid);
    const busy = times.ran + times.waited - before.ran - before.waited;
    if (busy < IDLE * (now - last) && !times.isQueued) return;
    last = now;
    before = times;
  }
}

/** What the threads of a process and of its children did, in milliseconds. */
interface Times {
  /** How long they ran. */
  ran: number;
  /** How long they waited for a processor, if they have got it since. */
  waited: number;
  /** Whether one of them runs, or waits for a processor. */
  isQueued: boolean;
}

function timesOf(
  pid: number,
  sum: Times = { ran: 0, waited: 0, isQueued: false },
): Times {
  try {
    for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
      const thread = `/proc/${pid}/task/${name}`;
      const times = Deno.readTextFileSync(`${thread}/schedstat`).split(" ");
      sum.ran += Number(times[0]) / 1e6;
      sum.waited += Number(times[1]) / 1e6;
      const stat = Deno.readTextFileSync(`${thread}/stat`);
      sum.isQueued ||= stat[stat.lastIndexOf(")") + 2] === "R";
      const children = Deno.readTextFileSync(`${thread}/children`);
      for (const [child] of children.matchAll(/\d+/g)) {
        timesOf(Number(child), sum);
      }
    }
  } catch {
    // What has ended does nothing any more.
  }
  return sum;
}
