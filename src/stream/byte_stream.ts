/**
 * A duplex stream of bytes: all that the command channel needs of a transport.
 * Every `Deno.Conn` is one.
 */
export interface ByteStream {
  /** Reads into `buffer`. Returns the number of bytes; `null` at the end. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Writes some of `bytes`. Returns how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Closes both directions. */
  close(): void;
}

/**
 * Whether an error of a read or a write means only that the other end has
 * closed.
 */
export function isClosedError(error: unknown): boolean {
  return error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.Interrupted ||
    error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.NotConnected;
}
