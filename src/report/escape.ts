import { harmless } from "../scan/mod.ts";

const special = /[&<>"'\t\n]/g;

/**
 * Escapes a text for XML and HTML, in an element or in an attribute between
 * double quotes. Invisible characters, and those that XML forbids, are made
 * visible first; control sequences are removed: see {@linkcode harmless}.
 *
 * @param text Any text, lone surrogates included.
 * @param attribute Whether line ends and tabs must be kept from being
 * normalised, as they are in attributes.
 */
export function escape(text: string, attribute = false): string {
  return harmless(text).replace(special, (character) => {
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
      default:
        return attribute ? "&#10;" : "\n";
    }
  });
}
