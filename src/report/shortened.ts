/** A line no longer than `most` characters: the middle of a longer one is left out. */
export function shortened(line: string, most: number): string {
  if (line.length <= most) return line;
  const half = most >> 1;
  const left = line.length - 2 * half;
  return `${line.slice(0, half)}… ${left} characters …${line.slice(-half)}`;
}
