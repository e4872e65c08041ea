/** Writes all of `bytes`, however many the stream takes at a time. */
export async function writeAll(
  stream: { write(bytes: Uint8Array): Promise<number> },
  bytes: Uint8Array,
): Promise<void> {
  for (let offset = 0; offset < bytes.length;) {
    offset += await stream.write(bytes.subarray(offset));
  }
}

/** What takes some of the bytes that it is given, and says how many. */
interface SyncWriter {
  writeSync(bytes: Uint8Array): number;
}

/** Writes all of `bytes` before it returns. */
export function writeAllSync(writer: SyncWriter, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.length;) {
    offset += writer.writeSync(bytes.subarray(offset));
  }
}

let pause: Int32Array | undefined;

/**
 * Writes all of `bytes` to an output that another process reads, before it
 * returns. Where nobody reads any more, the rest is dropped.
 */
export function writeOut(writer: SyncWriter, bytes: Uint8Array): void {
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writer.writeSync(bytes));
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) return;
      // A parent, or a terminal's input, may have set the output to
      // non-blocking: then it is merely full, and there is no event to wait for
      // in synchronous code.
      pause ??= new Int32Array(new SharedArrayBuffer(4));
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}
