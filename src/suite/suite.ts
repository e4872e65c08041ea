/** A test of a suite, or what all of its tests have in common. */
export interface SuiteTest {
  /** A configuration file of the NixOS test framework, as for `--config`. */
  readonly config?: string;
  /** A file of machines that each name a backend, as for `--machine-config`. */
  readonly machineConfig?: string;
  /** The start scripts of the machines. */
  readonly startScripts?: readonly string[];
  /** The numbers of the networks. */
  readonly vlans?: readonly number[];
  /** The test script, in TypeScript, JavaScript or Python. */
  readonly script?: string;
  /** The language of a script whose name does not tell it. */
  readonly language?: "typescript" | "python";
  /**
   * Seconds that one attempt may take.
   *
   * @default {3600}
   */
  readonly timeout?: number;
  /**
   * How many times a test that does not pass is tried again.
   *
   * @default {0}
   */
  readonly retries?: number;
  /** Words by which `--tag` selects tests. */
  readonly tags?: readonly string[];
  /** Why the test is skipped; it is not, if nothing is given. */
  readonly skip?: string;
  /** Environment variables of the script and the start scripts. */
  readonly env?: Readonly<Record<string, string>>;
  /** More options of the command line, such as `["--screenshots", "steps"]`. */
  readonly options?: readonly string[];
  /**
   * Memory that the test takes at most: a number of MiB, or `"4G"` for example.
   * The options of QEMU in the start scripts tell it, if nothing is given.
   */
  readonly memory?: number | string;
  /**
   * Processors that the test keeps busy. The options of QEMU in the start
   * scripts tell it, if nothing is given.
   */
  readonly cores?: number;
  /**
   * Names with their values: there is a test for each combination, named
   * `web[kernel=6.1]`. `${kernel}` in any text of the test is the value.
   */
  readonly matrix?: Readonly<
    Record<string, readonly (string | number | boolean)[]>
  >;
}

/**
 * Tests that run together: the contents of `vmwright.suite.json`, and the
 * default export of `vmwright.suite.ts`. Paths count from the file's folder.
 *
 * @example
 * ```ts
 * import type { Suite } from "./mod.ts";
 *
 * export default {
 *   defaults: { timeout: 600 },
 *   tests: {
 *     web: { config: "web.json" },
 *     db: { startScripts: ["./run-db-vm"], script: "db.ts", retries: 1 },
 *   },
 * } satisfies Suite;
 * ```
 */
export interface Suite {
  /** The address of the JSON schema, for editors. */
  readonly $schema?: string;
  /**
   * The suite's name in reports; the name of its folder, if nothing is given.
   */
  readonly name?: string;
  /**
   * Fields of each test that does not set them itself. A test's `env` adds to
   * that of the defaults, and its `tags` to theirs.
   */
  readonly defaults?: SuiteTest;
  /** The tests by their names. */
  readonly tests: Readonly<Record<string, SuiteTest>>;
}
