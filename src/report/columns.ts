/** Characters that a terminal draws over the one before them. */
const NARROW = /\p{M}/u;
/**
 * Characters of two columns: those that Unicode's East Asian Width calls wide,
 * and emoji.
 */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u;
const ascii = /^[\x20-\x7e]*$/;

/** The columns that a line without tabs takes on a terminal. */
export function columnsOf(text: string): number {
  if (ascii.test(text)) return text.length;
  let columns = 0;
  for (const character of text) columns += widthOf(character);
  return columns;
}

function widthOf(character: string): number {
  return NARROW.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
}

/**
 * A line no wider than so many columns, without tabs, whose width depends on
 * where they stand.
 */
export function cut(text: string, width: number): string {
  const line = text.replaceAll("\t", " ");
  if (columnsOf(line) <= width) return line;
  let kept = "", left = width - 1;
  for (const character of line) {
    left -= widthOf(character);
    if (left < 0) break;
    kept += character;
  }
  return width < 1 ? "" : `${kept}…`;
}
