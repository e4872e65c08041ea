/**
 * A whole run: log and reports, driver and script, verdict and failure.
 *
 * @module
 */
export { runTest, type TestOptions, type TestResult } from "./run_test.ts";
