import type { Supervisor } from "../backend/mod.ts";
import { shellQuote } from "../shell/shell_quote.ts";
import { after } from "../time/mod.ts";
import { attemptFiles, clearAttempt } from "./attempt_files.ts";
import { judgeAttempt } from "./judge_attempt.ts";
import { runEndedIn } from "./last_event.ts";
import type { TestSetting } from "./machines_of.ts";
import type { MemoryWatch } from "./memory_watch.ts";
import type { PlannedTest } from "./planned_test.ts";
import type { AttemptResult } from "./results.ts";

/** Seconds that a test may take, by default. */
const USUAL_TIMEOUT = 3600;
/** Seconds after its timeout, in which a test ends itself. */
const GRACE = 30;
/** Seconds that a test may take to end after a signal. */
const PATIENCE = 10;

/** What an attempt needs beside its test. */
export interface AttemptSurroundings {
  /** The words that start the program. */
  readonly program: readonly string[];
  /** The folder that the test's paths count from. */
  readonly folder: string;
  /** Owns the process. */
  readonly supervisor: Supervisor;
  /** Bytes of memory that the forks of its machines may have. */
  readonly forkMemory: number;
  /** Sees how much memory it takes. */
  readonly memory: MemoryWatch;
  /** Ends it in order. */
  readonly signal: AbortSignal;
}

/**
 * Runs a test once, in a process of its own.
 *
 * @param test The test.
 * @param setting What is known of it.
 * @param directory The absolute path of the directory for what it leaves.
 * @param surroundings Where it runs.
 * @returns How it ended, without the directory.
 */
export async function attempt(
  test: PlannedTest,
  setting: TestSetting,
  directory: string,
  surroundings: AttemptSurroundings,
): Promise<AttemptResult> {
  const { program, folder, forkMemory, supervisor, memory, signal } =
    surroundings;
  clearAttempt(directory);
  Deno.mkdirSync(directory, { recursive: true });
  const timeout = test.timeout ?? setting.timeout ?? USUAL_TIMEOUT;
  const words = [
    ...program,
    ...wordsOf(test, directory, { timeout, forkMemory }),
  ];
  const output = `${directory}/${attemptFiles.output}`;
  const command = `exec ${words.map(shellQuote).join(" ")} </dev/null >${
    shellQuote(output)
  } 2>&1`;
  const date = Date.now();
  const began = performance.now();
  const kills = killsForMemory();
  const process = supervisor.spawn(command, {
    cwd: folder,
    env: environmentOf(test),
    // It ends its machines in order.
    cleansUp: true,
  });
  for (const stream of [process.stdout, process.stderr, process.stdin]) {
    (stream instanceof ReadableStream ? stream.cancel() : stream.close())
      .catch(() => {});
  }
  const use = memory.add(process.pid);
  let isLate = false;
  const cancelTimeout = after(timeout + GRACE, () => {
    isLate = true;
    supervisor.kill(process, "SIGKILL");
  });
  let cancelPatience = () => {};
  const stop = () => {
    supervisor.kill(process, "SIGTERM");
    cancelPatience = after(
      PATIENCE,
      () => supervisor.kill(process, "SIGKILL"),
    );
  };
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  const status = await process.status;
  signal.removeEventListener("abort", stop);
  cancelTimeout();
  cancelPatience();
  memory.remove(process.pid);
  supervisor.reap(process);
  const duration = (performance.now() - began) / 1000;
  const { verdict, reason } = judgeAttempt({
    told: runEndedIn(`${directory}/${attemptFiles.events}`),
    status,
    output,
    late: isLate
      ? `it did not end within ${timeout} seconds, nor by itself within ${GRACE} more`
      : undefined,
    isInterrupted: signal.aborted,
    lackedMemory: killsForMemory() > kills,
  });
  return {
    verdict,
    date,
    duration,
    ...use.peak !== undefined && { memory: use.peak },
    ...status.signal === null
      ? { exitCode: status.code }
      : { signal: status.signal },
    ...reason !== undefined && { reason },
  };
}

/** The words of a test's command line. */
function wordsOf(
  test: PlannedTest,
  directory: string,
  { timeout, forkMemory }: { timeout: number; forkMemory: number },
): string[] {
  const { config, machineConfig, startScripts = [], vlans = [] } = test;
  const { script, language, options = [] } = test;
  return [
    ...["-o", directory, "--events", attemptFiles.events],
    ...["--junit-xml", attemptFiles.junit, "--html", attemptFiles.page],
    ...["--console", "failed", "--global-timeout", `${timeout}`],
    ...["--fork-memory", `${Math.max(1, Math.floor(forkMemory / 2 ** 20))}`],
    ...config === undefined ? [] : ["--config", config],
    ...machineConfig === undefined ? [] : ["--machine-config", machineConfig],
    ...startScripts.length === 0 ? [] : ["--start-scripts", ...startScripts],
    ...vlans.length === 0 ? [] : ["--vlans", ...vlans.map(String)],
    ...language === undefined ? [] : ["--language", language],
    ...options,
    ...script === undefined ? [] : ["--", script],
  ];
}

/**
 * The variables of a test's process. Settings of the suite's own process must
 * not reach its tests.
 */
function environmentOf({ env }: PlannedTest): Record<string, string> {
  return {
    startScripts: "",
    vlans: "",
    testScript: "",
    machineConfig: "",
    globalTimeout: "",
    LOGFILE: "",
    // The suite writes one summary of all tests.
    GITHUB_STEP_SUMMARY: "",
    NO_COLOR: "1",
    ...env,
  };
}

/** How many processes the kernel has killed for their memory. */
function killsForMemory(): number {
  try {
    const text = Deno.readTextFileSync("/proc/vmstat");
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
  } catch {
    return 0;
  }
}
