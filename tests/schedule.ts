/** What a test file took when it last ran. */
export interface Cost {
  /** How many seconds it took. */
  readonly seconds: number;
  /** How many seconds of CPU time it took. */
  readonly cpu: number;
}

/** A test file that runs, or waits to run. */
export interface Scheduled {
  /** What it probably takes. */
  readonly cost: Cost;
  /** Whether it starts guests. */
  readonly hasGuests: boolean;
}

/** How many cores a file keeps busy. */
function load({ cost: { seconds, cpu } }: Scheduled): number {
  return seconds > 0 ? cpu / seconds : 0;
}

/**
 * Which file is to run next: the one that takes longest, so that all end at about
 * the same time. A file waits for an event, or its guest does, some of its time.
 * So one file more than there are cores runs; if all of them have guests, only
 * where the cores have room for it, since guests that are starved are late.
 *
 * @param waiting The files that may run now.
 * @param running Those that run.
 * @param cores How many cores there are.
 * @returns The place of the file among those that wait; -1 if none may run yet.
 */
export function nextFile(
  waiting: readonly Scheduled[],
  running: readonly Scheduled[],
  cores: number,
): number {
  if (running.length > cores) return -1;
  const isExtra = running.length === cores;
  const busy = running.reduce((sum, file) => sum + load(file), 0);
  const fits = (file: Scheduled) =>
    !isExtra || ![...running, file].every(({ hasGuests }) => hasGuests) ||
    busy + load(file) <= cores;
  let next = -1;
  waiting.forEach((file, index) => {
    if (!fits(file)) return;
    if (next < 0 || file.cost.seconds > waiting[next].cost.seconds) {
      next = index;
    }
  });
  return next;
}
