/**
 * Finds the word that was most likely meant.
 *
 * @param given What was given.
 * @param known The known words.
 * @returns The known word that takes the fewest edits, if that is few enough for a
 * slip: a third of the letters.
 */
export function nearest(
  given: string,
  known: readonly string[],
): string | undefined {
  let best: string | undefined;
  let least = Math.floor(given.replace(/^-+/, "").length / 3) + 1;
  for (const word of known) {
    const count = edits(given, word);
    if (count < least) [best, least] = [word, count];
  }
  return best;
}

/** The number of letters to insert, remove, replace or swap with the next. */
function edits(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = above[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(above[j] + 1, row[j - 1] + 1, replaced);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j], before[j - 2] + 1);
      }
    }
    [before, above] = [above, row];
  }
  return above[b.length];
}
