/** A language that test scripts are written in. */
export type Language = "typescript" | "python";

/**
 * Tells the language of a script by its file name. A name without an extension
 * means Python: NixOS writes such files.
 *
 * @param path The script's file.
 * @returns Its language.
 */
export function languageOf(path: string): Language {
  return /\.[cm]?[jt]sx?$/.test(path) ? "typescript" : "python";
}
