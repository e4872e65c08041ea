/** Blocks the thread, as if the process was stopped, for some seconds. */
export function standStill(seconds: number): void {
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(nothing, 0, 0, seconds * 1000);
}
