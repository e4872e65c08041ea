/**
 * One typed stream of what happens in a run, and those who listen to it.
 *
 * @module
 */
export type {
  Attributes,
  ErrorReport,
  ForkedMachine,
  Listener,
  LogLevel,
  RunEvent,
  RunEvents,
  StepRole,
  Verdict,
} from "./event.ts";
export { describeError, isShown } from "./event.ts";
export type { Position } from "./positions.ts";
export { Log, type Step } from "./log.ts";
export { nearest } from "./nearest.ts";
export {
  type ConsoleDisplay,
  TerminalListener,
  type TerminalOptions,
} from "./terminal.ts";
export { XmlListener, type XmlOptions } from "./xml.ts";
export { JunitListener } from "./junit.ts";
export { HtmlListener } from "./html.ts";
