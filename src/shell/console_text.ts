/** Ends what `printf %b` prints; with it, a word is no command's name. */
const END_OF_TEXT = "\\c/";

/**
 * The bytes of `text` for `printf %b`, as ASCII that no terminal touches. If
 * the guest resets in the middle of it, a new shell gets the rest, which is a
 * single word to it and no command, whatever the author wrote.
 */
export function consoleText(text: string): string {
  let escaped = "";
  for (const byte of new TextEncoder().encode(text)) {
    const character = String.fromCharCode(byte);
    escaped += /[\w+,./:-]/.test(character)
      ? character
      : `\\0${byte.toString(8).padStart(3, "0")}`;
  }
  return escaped + END_OF_TEXT;
}
