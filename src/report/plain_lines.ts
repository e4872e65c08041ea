import { harmless } from "../scan/mod.ts";

/** The lines of a text, harmless for a terminal. */
export function plainLines(text: string): string[] {
  return harmless(text).replace(/\n$/, "").split("\n");
}

/** The same in one line. */
export function oneLine(text: string): string {
  return plainLines(text).join(" ");
}
