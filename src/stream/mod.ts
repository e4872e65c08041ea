/**
 * Duplex streams of bytes.
 *
 * @module
 */
export { type ByteStream, isClosedError, writeAll } from "./byte_stream.ts";
