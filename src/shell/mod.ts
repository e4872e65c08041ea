/**
 * The command channel into a guest, over any byte stream.
 *
 * @module
 */
export type { ByteStream } from "../stream/mod.ts";
export { ShellLost } from "./errors.ts";
export type { RunOptions, RunResult } from "./job.ts";
export { Shell, type ShellOptions, type ShellPort } from "./shell.ts";
export { shellQuote } from "./shell_quote.ts";
