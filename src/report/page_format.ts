import type { LogLevel, RunEvents, Verdict } from "./event.ts";

// What the page holds of runs, as the driver writes it and the page reads it.
//
// A page has one overview, an index for each run, and chunks: texts that are
// read when they are looked at. Times are in ten-thousandths of a second since
// the run began, and small whole numbers otherwise, which compress well.

/** Times in one second. */
export const TICKS = 10_000;

/** The number of a chunk: of the element `c<number>` on the page. */
export type ChunkId = number;

/** A place in a chunk of records: the chunk, and which of its records. */
export type RecordPlace = readonly [chunk: ChunkId, record: number];

/** The state of a run. */
export type PageVerdict = Verdict | "unfinished";

/** The contents of the page. */
export interface PageOverview {
  /** The runs, in the order in which they were given. */
  readonly runs: readonly RunSummary[];
  /** The suite that they are of, if they are of one. */
  readonly suite?: SuiteOverview;
}

/** A suite of tests. */
export interface SuiteOverview {
  readonly name: string;
  /** When it began, in milliseconds since 1970. */
  readonly date: number;
  /** How long it took. */
  readonly time: number;
  /** Whether every test is as it should be. */
  readonly passed: boolean;
  /** Notes on the whole, a sentence each. */
  readonly notes: readonly string[];
  /** The tests, those that a person should look at first. */
  readonly tests: readonly SuiteTestOverview[];
}

/** The verdicts of a test of a suite, the worst first. */
export const suiteTestVerdicts = [
  "failed",
  "timeout",
  "crashed",
  "unfinished",
  "flaky",
  "skipped",
  "passed",
] as const;

/** The verdict of a test of a suite. */
export type SuiteTestVerdict = typeof suiteTestVerdicts[number];

/** A test of a suite. */
export interface SuiteTestOverview {
  readonly name: string;
  readonly verdict: SuiteTestVerdict;
  /** How long all of its attempts took. */
  readonly time: number;
  /** Why it did not run, or did not pass. */
  readonly reason?: string;
  readonly attempts: readonly SuiteAttemptOverview[];
  /** What its last runs were, the oldest first. */
  readonly past: readonly SuitePastRun[];
  /** What they tell, in a sentence. */
  readonly trend?: string;
}

/** An attempt at a test of a suite. */
export interface SuiteAttemptOverview {
  readonly verdict: SuiteTestVerdict;
  readonly time: number;
  /** The number of the run on the page, if it is there. */
  readonly run?: number;
  /** A page of its own. */
  readonly link?: string;
}

/** A run of a test of which only the end is known. */
export interface SuitePastRun {
  readonly verdict: SuiteTestVerdict;
  /** When it began, in milliseconds since 1970. */
  readonly date: number;
  readonly time: number;
}

/** A run on the page of many. */
export interface RunSummary {
  /** The chunk that holds its {@linkcode PageRun}. */
  readonly index: ChunkId;
  /** What runs. */
  readonly name: string;
  /**
   * What distinguishes it from others of the same name, such as its file of
   * events.
   */
  readonly label: string;
  /** When it began, in milliseconds since 1970. */
  readonly date: number;
  readonly verdict: PageVerdict;
  /** How long it took. */
  readonly time: number;
  /** The first line of what ended it. */
  readonly error?: string;
  readonly subtests: readonly SubtestSummary[];
}

/** A subtest of a run on the page of many. */
export interface SubtestSummary {
  /** Its name after those of the subtests around it. */
  readonly path: string;
  /** The id of its step. */
  readonly id: number;
  readonly state: StepState;
  readonly time: number;
  /** The first line of why it failed. */
  readonly error?: string;
}

/** The state of a step. */
export type StepState = "passed" | "failed" | "unfinished";

/** The kinds of steps, by their numbers in the index. */
export const stepKinds = [
  "step",
  "subtest",
  "script",
  "boot",
  "succeed",
  "fail",
  "wait",
  "execute",
  "screenshot",
] as const;

/** What a step is. */
export type StepKind = typeof stepKinds[number];

/** Lines that are read together. */
export interface LineChunk {
  readonly chunk: ChunkId;
  /** The number of its first line. */
  readonly first: number;
  readonly count: number;
  /** When its first and its last line came. */
  readonly from: number;
  readonly to: number;
}

/** A lane of the page. */
export interface PageMachine {
  readonly name: string;
  /** The machine of which it is a fork. */
  parent?: string;
  hypervisor?: string;
  /** Its start command. */
  command?: string;
  /** A link to the file that holds its console. */
  link?: string;
  /** Its console. */
  chunks: LineChunk[];
  /** Lines of its console that are on the page no more, before the line `gapAt`. */
  omitted?: number;
}

/** Columns of steps, in the order in which they began. */
export interface PageSteps {
  readonly id: number[];
  /** The number of the step around it, -1: none. */
  readonly parent: number[];
  /** The number of its machine, -1: none. */
  readonly machine: number[];
  readonly began: number[];
  /** How long it took, -1: it has not ended. */
  readonly took: number[];
  readonly kind: number[];
  /** The number of the error that ended it, -1: none. */
  readonly error: number[];
  readonly text: string[];
  /** The number of the source file that began it, -1: unknown. */
  readonly source: number[];
  readonly line: number[];
  /** The record with more about it, -1: there is no more. */
  readonly chunk: number[];
  readonly record: number[];
}

/** More about a step. */
export interface StepRecord {
  /** The whole text, if the index has only its beginning. */
  readonly text?: string;
  readonly commands?: readonly PageCommand[];
}

/** A command as the page shows it. */
export type PageCommand = Omit<RunEvents["commandEnded"], "machine">;

/** Why steps failed. */
export interface PageError {
  readonly name: string;
  /** The first line of its message. */
  readonly title: string;
  /** The id of the innermost step that it ended, -1: none. */
  readonly step: number;
  /** The record that is the whole message. */
  readonly place: RecordPlace;
}

/** A picture of a screen. */
export interface PageShot {
  readonly time: number;
  /** The id of the step that took it. */
  readonly step?: number;
  readonly machine: number;
  /** The number of the image, -1: the page does not hold it. */
  readonly image: number;
  readonly link: string;
}

/** A moment on the timeline. */
export interface PageMark {
  readonly time: number;
  readonly kind:
    | RunEvents["mark"]["kind"]
    | "boot"
    | "snapshot"
    | "restore"
    | "fork";
  readonly machine: number;
  readonly text?: string;
}

/** An interval on the timeline. */
export interface PageInterval {
  readonly id: number;
  readonly time: number;
  end: number;
  readonly kind: RunEvents["intervalBegan"]["kind"] | "fork";
  readonly machine: number;
  readonly text: string;
}

/** Something to read, or a file that was copied. */
export interface PageFile {
  readonly time: number;
  readonly step?: number;
  readonly machine: number;
  readonly name: string;
  readonly link?: string;
  /** The record that is its text. */
  readonly place?: RecordPlace;
}

/** A source file of the author's. */
export interface PageSource {
  readonly url: string;
  readonly name: string;
  /** The record that is its text. */
  readonly place?: RecordPlace;
}

/** The facts about a run that are not in chunks. */
export interface PageRun {
  readonly name: string;
  readonly date: number;
  readonly verdict: PageVerdict;
  readonly time: number;
  /** The number of the error that ended the run, -1: none. */
  readonly error: number;
  /** The text for a person in place of the error's message. */
  readonly detail?: string;
  readonly about?: RunEvents["runBegan"]["about"];
  readonly facts: readonly { machine: number; name: string; value: string }[];
  readonly machines: readonly PageMachine[];
  /** What the driver and the author said. */
  readonly log: readonly LineChunk[];
  readonly steps: PageSteps;
  /** Steps that are not on the page. */
  readonly omittedSteps: number;
  readonly errors: readonly PageError[];
  readonly sources: readonly PageSource[];
  /** The chunks that are images, as PNG. */
  readonly images: readonly ChunkId[];
  readonly shots: readonly PageShot[];
  readonly marks: readonly PageMark[];
  readonly intervals: readonly PageInterval[];
  readonly files: readonly PageFile[];
}

/** The head of a chunk of lines, a line of JSON. */
export interface LineColumns extends Partial<LogColumns> {
  /** Times after the line before. */
  readonly times: readonly number[];
  /**
   * Microseconds of the time that the kernel has put before each line, after the
   * one before that has such a time; `null` for a line that has none.
   */
  readonly stamps?: readonly (number | null)[];
}

/** More facts about each line of the log. */
export interface LogColumns {
  /** Ids of steps, -1: none. */
  readonly steps: number[];
  readonly machines: number[];
  /** The number of the level among {@linkcode levels}. */
  readonly levels: number[];
}

/** The levels of lines of the log. */
export const levels: readonly (LogLevel | "log")[] = [
  "log",
  "debug",
  "info",
  "warning",
  "error",
];
