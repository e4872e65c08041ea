/**
 * A suite: many tests, each in a process of its own, within what the host has.
 *
 * @module
 */
export type { MatrixValue, Suite, SuiteTest } from "./suite.ts";
export type {
  AttemptResult,
  AttemptVerdict,
  SuiteResults,
  SuiteTestResult,
  TestVerdict,
} from "./results.ts";
export type { Shard } from "./shard.ts";
