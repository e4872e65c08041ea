import type { MachineSaver, SavedMachine } from "../machine/mod.ts";

/** A machine that was saved at the same moment as others. */
export interface SavedTogether {
  /** Its state. */
  readonly saved: SavedMachine;
  /** Why only one such machine can run at a time, if that is so. */
  readonly rivalry?: string;
}

/**
 * Saves machines at one moment, and lets them go on.
 *
 * @param savers Save one machine each.
 * @param directory Gets the files: a directory for each machine.
 * @returns The saved machines, and how many seconds they stood still.
 * @throws {MachineError} if a machine can't be saved. All of them go on then.
 */
export async function saveTogether(
  savers: readonly MachineSaver[],
  directory: string,
): Promise<{ machines: SavedTogether[]; stood: number }> {
  let machines: SavedTogether[], stood: number;
  try {
    await each(savers, (saver) => saver.prepare());
    const rivalries = await each(savers, (saver) => saver.rivalry());
    await each(savers, (saver) => saver.hold());
    const began = performance.now();
    await each(savers, (saver) => saver.pause());
    await each(savers, (saver) => saver.drained());
    machines = await each(savers, async (saver, index) => {
      const own = `${directory}/${index}`;
      Deno.mkdirSync(own, { mode: 0o700 });
      return { saved: await saver.save(own), rivalry: rivalries[index] };
    });
    await each(savers, (saver) => saver.go());
    stood = (performance.now() - began) / 1000;
  } catch (error) {
    // The first failure is reported, and not those that follow from it.
    await goOn(savers).catch(() => {});
    throw error;
  }
  await goOn(savers);
  return { machines, stood };
}

/** Resumes all machines, even if one of them fails to go on. */
async function goOn(savers: readonly MachineSaver[]): Promise<void> {
  // Together, as they were stopped: shares are mounted afterwards.
  await each(savers, (saver) => saver.go());
  await each(savers, (saver) => saver[Symbol.asyncDispose]());
}

/**
 * Runs a step for all machines. A machine that ends meanwhile is reported so.
 */
function each<T>(
  savers: readonly MachineSaver[],
  step: (saver: MachineSaver, index: number) => Promise<T>,
): Promise<T[]> {
  return all(
    savers.map((saver, index) => saver.core.guarded(() => step(saver, index))),
  );
}

/** Waits for all of them, even if one fails, so that none goes on unnoticed. */
export async function all<T>(promises: Promise<T>[]): Promise<T[]> {
  const ends = await Promise.allSettled(promises);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return ends.map((end) => (end as PromiseFulfilledResult<T>).value);
}
