import type { Driver } from "../driver/mod.ts";
import {
  coreOf,
  type FairTime,
  fairTime,
  gather,
  lastLooks,
} from "../machine/mod.ts";
import { within } from "../time/mod.ts";

/** The time that all machines together may take to report their state. */
const AT_MOST: FairTime = { least: 10, paces: 30, most: 70 };
/** The same in seconds, if the guests' memory is written to files. */
const AT_MOST_WITH_MEMORY = 120;
/** The time that the last looks may take. */
const LOOKING: FairTime = { least: 3, paces: 10, most: 30 };
/** How many last looks to report, at most. */
const LOOKS = 3;

/** The evidence about the machines of a failed run. */
export interface Evidence {
  /** What the waits of the test have seen last, one text each. */
  readonly lastSeen: readonly string[];
  /** Other faults of the machines, one sentence each. */
  readonly troubles: readonly string[];
}

/** Options of {@linkcode gatherEvidence}. */
export interface EvidenceOptions {
  /** Whether the run has failed, and was not only interrupted. */
  readonly isFailed: boolean;
  /** Whether to write the guests' memory to files, too. */
  readonly dumpMemory: boolean;
  /** The failure's number, where a run has several. Default: 1. */
  readonly count?: number;
}

/** What is gathered from: machines, and the log that tells of them. */
type Source = Pick<Driver, "log" | "machinesMade">;

/** The evidence of failures whose machines ended with their subtests. */
const ofForks = new WeakMap<WeakKey, Evidence>();

/**
 * Gathers what {@linkcode gatherEvidence} does from the machines of a fork,
 * before they end.
 *
 * @param fork The machines, and the log.
 * @param error The error that has ended the subtest.
 * @param options The options.
 */
export async function gatherOnFork(
  fork: Source,
  error: unknown,
  options: EvidenceOptions,
): Promise<void> {
  // A fork inside of this one has ended, and can't be looked at again.
  const before = gatheredOnFork(error);
  const { lastSeen, troubles } = await gatherEvidence([fork], error, options);
  if (!(error instanceof Error)) return;
  ofForks.set(error, {
    lastSeen: before?.lastSeen ?? lastSeen,
    troubles: [...before?.troubles ?? [], ...troubles],
  });
}

/** The evidence of a failure on a fork, if it was one. */
export function gatheredOnFork(error: unknown): Evidence | undefined {
  return ofForks.get(error as WeakKey);
}

/**
 * Gets the last looks of waits that have ended, and writes each machine's
 * screen, state and journal to files of the output directory. It takes a few
 * seconds, even if a guest does not answer.
 *
 * @param sources The drivers of the run.
 * @param error The error that has ended the run.
 * @param options The options.
 * @returns The evidence.
 */
export async function gatherEvidence(
  sources: readonly Source[],
  error: unknown,
  { isFailed, dumpMemory, count = 1 }: EvidenceOptions,
): Promise<Evidence> {
  const troubles: string[] = [];
  const whose = count === 1 ? "" : `, failure ${count}`;
  const gathering = sources.flatMap(({ log, machinesMade }) =>
    isFailed
      ? machinesMade.map(async (machine) => {
        const core = coreOf(machine), name = core.label;
        const findings = {
          onEvidence: ({ kind, path }: { kind: string; path: string }) =>
            kind === "screen"
              ? log.screenshot(name, path)
              : log.attachment(`${kind} of ${name}${whose}`, {
                path,
                machine: name,
              }),
          onTrouble: (trouble: string) => {
            troubles.push(`${name} ${trouble}`);
          },
        };
        await gather(core, findings, {
          memory: dumpMemory,
          error,
          label: count === 1 ? "failed" : `failed-${count}`,
        })
          // The run reports its own failure, not this one.
          .catch(() => {});
      })
      : []
  );
  const pace = Math.max(
    0,
    ...sources.flatMap(({ machinesMade }) => machinesMade).map((machine) =>
      coreOf(machine).pace
    ),
  );
  const [lastSeen] = await Promise.all([
    lookAtWaits(error, fairTime(pace, LOOKING)),
    within(
      dumpMemory ? AT_MOST_WITH_MEMORY : fairTime(pace, AT_MOST),
      Promise.all(gathering),
    ),
  ]);
  return { lastSeen, troubles: [...troubles] };
}

/**
 * The last looks of everything that an error has ended, with the machines'
 * names.
 */
async function lookAtWaits(
  error: unknown,
  seconds: number,
): Promise<string[]> {
  const looks = lastLooks(error).slice(0, LOOKS).map(
    async ({ machine, ask }) => {
      const seen = await within(seconds, (async () => await ask())())
        .catch(() => undefined);
      return seen ? `${machine}: ${seen}` : "";
    },
  );
  return (await Promise.all(looks)).filter((text) => text !== "");
}
