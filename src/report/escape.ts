// deno-lint-ignore no-control-regex
const special = /[&<>"'\x00-\x1f\x7f-\x9f\ufffe\uffff]/g;
// deno-lint-ignore no-control-regex
const anySpecial = /[&<>"'\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]/;

/**
 * Escapes a text for XML and HTML, in an element or in an attribute between
 * double quotes. What XML 1.0 forbids, and control characters that it merely
 * tolerates, become U+FFFD.
 *
 * @param text Any text, lone surrogates included.
 * @param attribute Whether line ends and tabs must be kept from being
 * normalised, as they are in attributes.
 */
export function escape(text: string, attribute = false): string {
  if (!text.isWellFormed()) text = text.toWellFormed();
  if (!attribute && !anySpecial.test(text)) return text;
  return text.replace(special, (character) => {
    switch (character) {
      case "&":
        return "&amp;";
      case "<":
        return "&lt;";
      case ">":
        return "&gt;";
      case '"':
        return "&quot;";
      case "'":
        return "&#39;";
      case "\t":
        return attribute ? "&#9;" : "\t";
      case "\n":
        return attribute ? "&#10;" : "\n";
      case "\r":
        return "&#13;";
      default:
        return "\ufffd";
    }
  });
}
