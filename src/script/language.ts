/** A language that test scripts are written in. */
export type Language = "typescript" | "python";

/**
 * Tells the language of a script by its file name. One without an extension is
 * Python: that is how NixOS writes them.
 *
 * @param path The script's file.
 * @returns Its language.
 */
export function languageOf(path: string): Language {
  return /\.[cm]?[jt]sx?$/.test(path) ? "typescript" : "python";
}
