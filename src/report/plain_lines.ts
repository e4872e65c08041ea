import { harmless } from "../scan/mod.ts";

/** The lines of a text, harmless for a terminal. */
export function plainLines(text: string): string[] {
  return harmless(text).replace(/\n$/, "").split("\n");
}

/** The same in one line. */
export function oneLine(text: string): string {
  return plainLines(text).join(" ");
}

/** A line no wider than so many characters. */
export function cut(text: string, width: number): string {
  const characters = [...text];
  if (characters.length <= width) return text;
  return width < 1 ? "" : `${characters.slice(0, width - 1).join("")}…`;
}
