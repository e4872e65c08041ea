/** Writes all of `bytes`, even if the stream takes only some at a time. */
export async function writeAll(
  stream: { write(bytes: Uint8Array): Promise<number> },
  bytes: Uint8Array,
): Promise<void> {
  for (let offset = 0; offset < bytes.length;) {
    offset += await stream.write(bytes.subarray(offset));
  }
}

/** Something that takes some of the given bytes, and returns how many. */
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
 * returns. If nobody reads any more, it drops the rest.
 */
export function writeOut(writer: SyncWriter, bytes: Uint8Array): void {
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writer.writeSync(bytes));
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) return;
      // A parent process, or a reader of the same terminal, may have made the
      // output non-blocking. Then it is only full, and synchronous code can't
      // wait for an event.
      pause ??= new Int32Array(new SharedArrayBuffer(4));
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}
