import type { Suite } from "./suite.ts";

/** The default directory for results. */
export const USUAL_OUT_DIR = "vmwright-results";

/** Options of {@linkcode runSuite}. */
export interface SuiteOptions {
  /**
   * The suite: its file, several configuration files of the NixOS test framework,
   * or what such a file holds, whose paths count from the working directory. If
   * nothing is given, `vmwright.suite.json` or `vmwright.suite.ts`.
   */
  suite?: string | readonly string[] | Suite;
  /**
   * Names of tests, or globs of them, in which `*` is any text. All, if nothing is
   * given.
   */
  names?: readonly string[];
  /** Tags: a test needs any one of them. All tests, if nothing is given. */
  tags?: readonly string[];
  /**
   * Whether to run only the tests that did not pass in the last results in
   * `outDir`.
   *
   * @default {false}
   */
  lastFailed?: boolean;
  /**
   * How often each test runs.
   *
   * @default {1}
   */
  repeat?: number;
  /**
   * How many times a test that does not pass is tried again. If nothing is
   * given, the suite's file decides.
   */
  retries?: number;
  /**
   * Whether a test that passes only in a later attempt fails the suite.
   *
   * @default {false}
   */
  failOnFlaky?: boolean;
  /** After how many failed tests no other begins; never, if nothing is given. */
  maxFailures?: number;
  /** How many tests run at a time; as many as the host has processors. */
  workers?: number;
  /**
   * Bytes of memory that all tests have at a time; the free memory, less a reserve,
   * if nothing is given.
   */
  memory?: number;
  /** The part of the suite to run, `index` from 1 to `count`: one on each host. */
  shard?: { readonly index: number; readonly count: number };
  /**
   * The directory for results, which is made if it is missing.
   *
   * @default {"vmwright-results"}
   */
  outDir?: string;
  /** The file of the history; `history` in `outDir`, if nothing is given. */
  history?: string;
  /** Ends the suite in order, as Ctrl-C does. */
  signal?: AbortSignal;
}
