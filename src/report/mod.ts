/**
 * One typed stream of the events of a run, and its listeners.
 *
 * @module
 */
export type {
  Attributes,
  ErrorReport,
  Listener,
  LogLevel,
  RunEvent,
  RunEvents,
  Verdict,
} from "./event.ts";
export { describeError, isShown } from "./event.ts";
export type { Position } from "./positions.ts";
export { Log, type Step } from "./log.ts";
export { nearest } from "./nearest.ts";
export { ciOf, guardedHere } from "./ci.ts";
export { CodeQualityListener } from "./code_quality.ts";
export { SummaryListener } from "./summary.ts";
export {
  type ConsoleDisplay,
  TerminalListener,
  type TerminalOptions,
} from "./terminal.ts";
export { XmlListener } from "./xml.ts";
export { JunitListener } from "./junit.ts";
export { HtmlListener } from "./html.ts";
export { EventFileListener } from "./event_file.ts";
export { type EventFileEnd, readEventFile } from "./read_event_file.ts";
export {
  makeReport,
  makeSuiteReport,
  type SuiteRunFile,
} from "./make_report.ts";
export type { SuiteAttemptOverview, SuiteOverview } from "./page_format.ts";
export { ReportServer } from "./report_server.ts";
