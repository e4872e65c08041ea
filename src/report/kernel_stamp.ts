/** Characters that a kernel gives the whole seconds at least. */
const width = 5;
const [bracket, space, point, zero] = [..."[ .0"].map((one) =>
  one.charCodeAt(0)
);

/**
 * The time that a kernel has put before a line. Most lines of a console begin
 * with one, and all are different, so they are kept apart from the text.
 *
 * @param line The line.
 * @returns Microseconds, and the length of the stamp; nothing if the line could
 * not be restored from them.
 */
export function stampOf(
  line: string,
): { time: number; length: number } | undefined {
  // This reads characters, because a pattern would allocate its match for each
  // line.
  if (line.charCodeAt(0) !== bracket) return undefined;
  let at = 1;
  while (line.charCodeAt(at) === space) at++;
  const spaces = at - 1;
  const digits = digitsAt(line, at);
  const isUsual = digits > 0 && digits < 10 &&
    spaces === Math.max(0, width - digits) &&
    (digits === 1 || line.charCodeAt(at) !== zero);
  if (!isUsual) return undefined;
  const seconds = numberAt(line, at, digits);
  at += digits;
  if (line.charCodeAt(at) !== point || digitsAt(line, at + 1) !== 6) {
    return undefined;
  }
  const rest = numberAt(line, at + 1, 6);
  at += 7;
  if (!line.startsWith("] ", at)) return undefined;
  return { time: seconds * 1e6 + rest, length: at + 2 };
}

function digitsAt(line: string, from: number): number {
  let at = from;
  while (isDigit(line.charCodeAt(at))) at++;
  return at - from;
}

function isDigit(code: number): boolean {
  return code >= zero && code <= zero + 9;
}

function numberAt(line: string, from: number, digits: number): number {
  let number = 0;
  for (let at = from; at < from + digits; at++) {
    number = 10 * number + line.charCodeAt(at) - zero;
  }
  return number;
}

/** A time as a kernel puts it before a line. */
export function stampText(time: number): string {
  const seconds = Math.floor(time / 1e6);
  const rest = String(time - seconds * 1e6).padStart(6, "0");
  return `[${String(seconds).padStart(width)}.${rest}] `;
}
