/**
 * Duplex streams of bytes.
 *
 * @module
 */
export { type ByteStream, isClosedError } from "./byte_stream.ts";
export { closeQuietly } from "./close_quietly.ts";
export { PipeReader } from "./pipe_reader.ts";
export { writeAll, writeAllSync, writeOut } from "./write_all.ts";
