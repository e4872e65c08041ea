let pause: Int32Array | undefined;

/**
 * Writes all of `data` to the terminal before it returns: to standard output,
 * or where that leads elsewhere, to standard error.
 */
export function writeTerminal(data: Uint8Array | string): void {
  const stream = Deno.stdout.isTerminal() ? Deno.stdout : Deno.stderr;
  let bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(stream.writeSync(bytes));
    } catch (error) {
      // The terminal went away: whoever reads its keys hears of that.
      if (!(error instanceof Deno.errors.WouldBlock)) return;
      // Its input may be set not to block, which holds for its output too:
      // then it is merely slower than we are.
      pause ??= new Int32Array(new SharedArrayBuffer(4));
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}
