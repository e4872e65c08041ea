import { isExecutable } from "./executable.ts";

/** Whether a word is named as a test script in TypeScript, JavaScript or Python. */
export function isNamedAsScript(word: string): boolean {
  return /^\S+\.([cm]?[jt]sx?|py)$/.test(word);
}

/**
 * Whether a word among start scripts ends their list: it is named as a test
 * script, and nobody could start a machine with it.
 */
export function endsStartScripts(word: string): boolean {
  if (!isNamedAsScript(word)) return false;
  try {
    const { isFile, mode } = Deno.statSync(word);
    return !isFile || !isExecutable(word, mode ?? 0);
  } catch {
    return true;
  }
}

/**
 * Whether a word among numbers of networks ends their list: it is a path. All
 * other words that are no numbers are mistakes.
 */
export function endsVlans(word: string): boolean {
  return word.includes("/") || isNamedAsScript(word);
}
