/**
 * The terminal that the process was started at.
 *
 * @module
 */
export { Terminal, type TerminalSize, type Typist } from "./terminal.ts";
