/** The seconds since its boot that a kernel puts before a line. */
const stamp = /^\[( *)(\d+)\.(\d{6})\] /;
/** Characters that a kernel gives the whole seconds at least. */
const width = 5;

/**
 * The time that a kernel has put before a line. Most lines of a console begin
 * with one, and all are different, so they are kept apart from what is said.
 *
 * @param line The line.
 * @returns Microseconds, and the length of what tells them; nothing where the
 * line would not be the same if they were put before it again.
 */
export function stampOf(
  line: string,
): { time: number; length: number } | undefined {
  if (!line.startsWith("[")) return undefined;
  const found = stamp.exec(line);
  if (found === null) return undefined;
  const [whole, spaces, seconds, rest] = found;
  const isUsual = spaces.length === Math.max(0, width - seconds.length) &&
    (seconds.length === 1 || !seconds.startsWith("0")) && seconds.length < 10;
  if (!isUsual) return undefined;
  return { time: Number(seconds) * 1e6 + Number(rest), length: whole.length };
}

/** A time as a kernel puts it before a line. */
export function stampText(time: number): string {
  const seconds = Math.floor(time / 1e6);
  const rest = String(time - seconds * 1e6).padStart(6, "0");
  return `[${String(seconds).padStart(width)}.${rest}] `;
}
