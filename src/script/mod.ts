/**
 * Running a test script, and tools to write one.
 *
 * @module
 */
export {
  type CheckOptions,
  checkTypes,
  findApi,
  findDeno,
  isJavaScript,
  type TypeDiagnostic,
  wantsCheck,
} from "./check_types.ts";
export { Debugger, type DebuggerOptions } from "./debugger.ts";
export { declarations, type ScriptNames } from "./declarations.ts";
export {
  describeFailure,
  type FailureContext,
  placeOfFailure,
} from "./failure.ts";
export { whereabouts } from "./whereabouts.ts";
export { floatingPromises } from "./floating_promises.ts";
export { forgottenAwait } from "./forgotten_await.ts";
export { bindGlobals } from "./globals.ts";
export { type Language, languageOf } from "./language.ts";
export { isReservedWord } from "./reserved_words.ts";
export {
  prepareScript,
  type Runner,
  runScript,
  type Surroundings,
} from "./run_script.ts";
export { Script } from "./script.ts";
export { ScriptExit } from "./script_exit.ts";
export { type RunOptions } from "./typescript.ts";
export { StepTrail, type UnfinishedStep } from "./step_trail.ts";
export { Uncaught } from "./uncaught.ts";
export { WarmChecker } from "./warm_checker.ts";
