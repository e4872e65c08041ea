import { kinds, StartCommand, startedBy } from "../backend/mod.ts";
import type { HistoryEntry } from "./history.ts";
import { languageOf } from "../script/language.ts";
import type { TestMachine, TestSetting } from "./machines_of.ts";
import type { PlannedTest } from "./planned_test.ts";
import { median } from "./split.ts";
import { parseSize } from "./size.ts";

/** What a test takes of its host. */
export interface Needs {
  /** Bytes of memory at most. */
  readonly memory: number;
  /** Bytes that its start commands tell, which are those without forks. */
  readonly declared: number;
  /** Processors. */
  readonly cores: number;
  /** Seconds that it takes; nothing if it has not run yet. */
  readonly duration?: number;
}

/** Bytes that the test's own process takes, beside its machines. */
const DRIVER = 128 * 2 ** 20;
/** Bytes that the check of a script's types takes. */
const CHECK = 256 * 2 ** 20;
/** Bytes that a hypervisor takes beside its guest's memory. */
const HYPERVISOR = 64 * 2 ** 20;
/** Bytes of a guest whose start command does not tell them. */
const UNKNOWN_GUEST = 1024 * 2 ** 20;
/** How many runs of the history count. */
const LAST = 5;
/** How much more than in its last runs a test may take. */
const MARGIN = 1.25;

/**
 * Estimates what a test takes: by the suite's file, else by its last runs, else
 * by its start commands.
 *
 * @param test The test.
 * @param setting What is known of it.
 * @param history Its last runs, the oldest first.
 */
export function needsOf(
  test: PlannedTest,
  { machines, script }: TestSetting,
  history: readonly HistoryEntry[] = [],
): Needs {
  const last = history.slice(-LAST);
  const declared = machines.map(declaredNeeds);
  const cores = test.cores ?? Math.max(
    1,
    declared.reduce((sum, one) => sum + (one.cores ?? 1), 0),
  );
  const duration = last.length === 0
    ? undefined
    : median(last.map(({ duration }) => duration));
  const isChecked = script !== undefined &&
    (test.language ?? languageOf(script)) === "typescript";
  const whole = declared.reduce(
    (sum, { memory = UNKNOWN_GUEST }) => sum + memory + HYPERVISOR,
    DRIVER + (isChecked ? CHECK : 0),
  );
  const memory = memoryOf(test, whole, last);
  return { memory, declared: whole, cores, duration };
}

function memoryOf(
  test: PlannedTest,
  declared: number,
  last: readonly HistoryEntry[],
): number {
  // The check of the suite has refused any other value.
  if (test.memory !== undefined) return parseSize(`${test.memory}`)!;
  const seen = last.flatMap(({ memory }) => memory ?? []);
  if (seen.length === 0) return declared;
  const most = Math.max(...seen);
  // A guest can't take more than its memory, but its forks can.
  return Math.max(most, Math.min(declared, most * MARGIN));
}

function declaredNeeds(
  { startCommand, backend }: TestMachine,
): { memory?: number; cores?: number } {
  try {
    const command = new StartCommand(startCommand);
    return kinds[backend ?? startedBy(command).backend].needs?.(command) ?? {};
  } catch {
    // The test's own process says what is wrong.
    return {};
  }
}
