const encoder = new TextEncoder();
let pause: Int32Array | undefined;

/**
 * Writes all of a text to standard error before it returns. Where nobody reads
 * any more, the text is dropped: a closed pipe must not end a test.
 */
export function writeStandardError(text: string): void {
  let bytes = encoder.encode(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(Deno.stderr.writeSync(bytes));
    } catch (error) {
      // A parent may have set the pipe to non-blocking: then it is merely full,
      // and there is no event to wait for in synchronous code.
      if (!(error instanceof Deno.errors.WouldBlock)) return;
      pause ??= new Int32Array(new SharedArrayBuffer(4));
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}
