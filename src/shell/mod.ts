/**
 * The command channel into a guest, over any byte stream.
 *
 * @module
 */
export type { ByteStream } from "../stream/mod.ts";
export { ServerLost, ShellLost } from "./errors.ts";
export type { RunOptions, RunResult } from "./job.ts";
export type { FixedPort, ShellPort } from "./port_stream.ts";
export type { SavedShell } from "./saved_shell.ts";
export { Shell } from "./shell.ts";
export type { ShellOptions } from "./shell_options.ts";
export { shellQuote } from "./shell_quote.ts";
