import type { Driver } from "../driver/mod.ts";
import { coreOf, gather, lastLooks } from "../machine/mod.ts";
import { within } from "../time/mod.ts";

/** Seconds that all machines may take together to tell how they are. */
const AT_MOST = 8;
/** The same where the guests' memory is written to files. */
const AT_MOST_WITH_MEMORY = 120;
/** Seconds that what was waited for may take to say what it has seen last. */
const LOOKING = 3;
/** Looks at most that are told. */
const LOOKS = 3;

/** What there is to know of machines whose run has failed. */
export interface Evidence {
  /** What was seen last where the test waited, one text each. */
  readonly lastSeen: readonly string[];
  /** What else is wrong with the machines, one sentence each. */
  readonly troubles: readonly string[];
}

/** How {@linkcode gatherEvidence} goes about it. */
export interface EvidenceOptions {
  /** Whether the run failed, and was not only ended by somebody. */
  readonly isFailed: boolean;
  /** Whether the guests' memory is written to files, too. */
  readonly dumpMemory: boolean;
  /** The failure's number, where a run has several. Default: 1. */
  readonly count?: number;
}

/**
 * Asks what ended waits have seen last, and keeps what each machine is like in
 * files of the output directory: its screen, its state and its journal. It takes
 * few seconds, also where a guest answers nothing.
 *
 * @param drivers The drivers of the run.
 * @param error What ended it.
 * @param options How to go about it.
 * @returns What was found.
 */
export async function gatherEvidence(
  drivers: readonly Driver[],
  error: unknown,
  { isFailed, dumpMemory, count = 1 }: EvidenceOptions,
): Promise<Evidence> {
  const troubles: string[] = [];
  const whose = count === 1 ? "" : `, failure ${count}`;
  const gathering = drivers.flatMap((driver) =>
    isFailed
      ? driver.machinesMade.map(async (machine) => {
        const { name } = machine;
        const findings = {
          onEvidence: ({ kind, path }: { kind: string; path: string }) =>
            kind === "screen"
              ? driver.log.screenshot(name, path)
              : driver.log.attachment(`${kind} of ${name}${whose}`, {
                path,
                machine: name,
              }),
          onTrouble: (trouble: string) => {
            const isTold = error instanceof Error &&
              error.message.includes(trouble.replace(/^its guest died: /, ""));
            if (!isTold) troubles.push(`${name} ${trouble}`);
          },
        };
        await gather(coreOf(machine), findings, {
          memory: dumpMemory,
          label: count === 1 ? "failed" : `failed-${count}`,
        })
          // The failure that is to be told is another one.
          .catch(() => {});
      })
      : []
  );
  const [lastSeen] = await Promise.all([
    lookAtWaits(error),
    within(
      dumpMemory ? AT_MOST_WITH_MEMORY : AT_MOST,
      Promise.all(gathering),
    ),
  ]);
  return { lastSeen, troubles: [...troubles] };
}

/** What those have seen last whom an error has ended, with the machines' names. */
async function lookAtWaits(error: unknown): Promise<string[]> {
  const looks = lastLooks(error).slice(0, LOOKS).map(
    async ({ machine, ask }) => {
      const seen = await within(LOOKING, (async () => await ask())())
        .catch(() => undefined);
      return seen ? `${machine}: ${seen}` : "";
    },
  );
  return (await Promise.all(looks)).filter((text) => text !== "");
}
