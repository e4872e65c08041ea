import type { Result } from "./result.ts";

/** How much is measured. */
export interface Scale {
  /** Rounds of short cases. */
  rounds: number;
  /** Rounds of what takes many seconds. */
  longRounds: number;
  /** MiB of boot log to search. */
  scanMegabytes: number;
  /** MiB of console text in the test of the driver's memory. */
  consoleMegabytes: number;
  /** MiB of files and of output. */
  megabytes: number;
  /** Small files in a tree. */
  files: number;
  /** Machines in a fleet. */
  machines: number;
  /** Tests in a suite that have a machine each. */
  suiteTests: number;
  /** Tests in a suite that have none. */
  standIns: number;
}

/** Cases that belong together, and what they need. */
export interface Part {
  /** As `--only` names it. */
  name: string;
  /** Measures; tells each result as it comes. */
  run(scale: Scale, tell: (result: Result) => void): Promise<void>;
}
