// A control sequence as a terminal reads it: CSI with parameters and a final
// byte; a string (OSC, DCS, APC, PM, SOS) up to its terminator or to the end
// of the line, so that a lost terminator costs one line and no more; any other
// escape with its intermediate bytes. C1 forms (U+0080 to U+009F) too.
const sequences =
  // deno-lint-ignore no-control-regex
  /(?:\x1b\[|\x9b)[\x20-\x3f]*[\x40-\x7e]?|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\r\n]*(?:\x07|\x9c|\x1b\\)?|\x1b[\x20-\x2f]*[\x30-\x7e]?/g;

// What is left after that and would still move the cursor, ring, or turn the
// direction in which a terminal writes.
const controls =
  // deno-lint-ignore no-control-regex
  /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Makes text safe to write to a terminal: control sequences (colours, cursor
 * movements, window titles) are removed, other control characters become
 * visible (`␇` for BEL, U+FFFD for those that have no picture), and every
 * line ends in `\n`, whether it came with `\n`, `\r\n` or a lone `\r`. Tabs stay.
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
    .replace(controls, picture);
}

function picture(control: string): string {
  const code = control.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "\u2421" : "\ufffd";
}
