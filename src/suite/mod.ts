/**
 * A suite: many tests, each in a process of its own, within what the host has.
 *
 * @module
 */
export type { Suite, SuiteTest } from "./suite.ts";
export type { SuiteOptions } from "./suite_options.ts";
export { runSuite } from "./run_suite.ts";
