// A control sequence as a terminal reads it: CSI with parameters and a final
// byte; a string (OSC, DCS, APC, PM, SOS) up to its terminator or to the end
// of the line, so that a lost terminator costs one line and no more; any other
// escape with its intermediate bytes. C1 forms (U+0080 to U+009F) too.
const sequences =
  // deno-lint-ignore no-control-regex
  /(?:\x1b\[|\x9b)[\x20-\x3f]*[\x40-\x7e]?|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\r\n]*(?:\x07|\x9c|\x1b\\)?|\x1b[\x20-\x2f]*[\x30-\x7e]?/g;

// Characters that remain and are dangerous: those that move the cursor or ring;
// those that turn the direction of writing, have no width or are invisible, and
// so make a text look like another (U+FE0E and U+FE0F apart, which end an
// emoji); other line ends; lone surrogates and noncharacters.
const hidden =
  // deno-lint-ignore no-control-regex
  /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;

/**
 * Makes text safe to show to a person, on a terminal or elsewhere: control
 * sequences (colours, cursor movements, window titles) are removed; other
 * control characters, and all characters that are invisible or turn the
 * direction of writing, become visible (`␇` for BEL, U+FFFD for those without a
 * picture); every line ends in `\n`, whether it came with `\n`, `\r\n` or a
 * lone `\r`. Tabs stay.
 *
 * @example
 * ```ts
 * harmless("\x1b[1;31mfailed\x1b[0m\x07\r\n"); // "failed␇\n"
 * ```
 */
export function harmless(text: string): string {
  return text
    .replace(sequences, "")
    .replace(/\r+\n?/g, "\n")
    .replace(hidden, picture);
}

function picture(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "\u2421" : "\ufffd";
}
