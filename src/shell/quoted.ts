/** The characters that may follow a backslash in `$'…'`, other than digits. */
const ESCAPES: Record<string, number> = {
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  E: 27,
  e: 27,
};

/**
 * The bytes of a word that bash's `printf %q` quoted in the C locale, in which
 * everything but printable ASCII is an escape sequence.
 */
export function unquote(word: string): Uint8Array {
  const isAnsi = word.startsWith("$'");
  const text = isAnsi ? word.slice(2, -1) : word === "''" ? "" : word;
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== "\\") {
      bytes[length++] = text.charCodeAt(at);
      continue;
    }
    at++;
    const octal = isAnsi ? /^[0-7]{1,3}/.exec(text.slice(at, at + 3)) : null;
    if (octal !== null) {
      bytes[length++] = parseInt(octal[0], 8);
      at += octal[0].length - 1;
    } else {
      bytes[length++] = (isAnsi ? ESCAPES[text[at]] : undefined) ??
        text.charCodeAt(at);
    }
  }
  return bytes.subarray(0, length);
}
