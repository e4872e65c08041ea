/** A line no longer than `most` characters: the middle of a longer one is left out. */
export function shortened(line: string, most: number): string {
  if (line.length <= most) return line;
  const half = most >> 1;
  const left = line.length - 2 * half;
  // Joined, the parts are copied; else each would keep the whole line in memory.
  return [line.slice(0, half), `… ${left} characters …`, line.slice(-half)]
    .join("");
}
