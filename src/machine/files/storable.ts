/** The last second that all file systems can store, at the end of 2105. */
const LATEST = 2 ** 32 - 1;

/** The nearest time that all file systems can store, in seconds since 1970. */
export function storable(seconds: number): number {
  return Math.max(0, Math.min(seconds, LATEST));
}
