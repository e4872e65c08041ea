/**
 * The terminal that the process was started at.
 *
 * @module
 */
export { withoutColours } from "./without_colours.ts";
export { Terminal, type TerminalSize, type Typist } from "./terminal.ts";
