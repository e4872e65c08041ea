/**
 * Bytes to matches, lines and frames. Everything here takes raw bytes in chunks
 * of any size; the results do not depend on how the stream is cut.
 *
 * @module
 */
export type { Match, PatternOptions } from "./match.ts";
export { Scanner, type ScannerOptions } from "./scanner.ts";
export { LineSplitter } from "./line_splitter.ts";
export { harmless } from "./harmless.ts";
export {
  type Frame,
  FrameCutter,
  type FrameCutterOptions,
  FrameError,
  type FrameKind,
} from "./frame_cutter.ts";
export { ByteFinder } from "./byte_finder.ts";
