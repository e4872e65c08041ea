import { isExecutable } from "./executable.ts";

/**
 * Whether a word has the name of a test script in TypeScript, JavaScript or
 * Python.
 */
export function isNamedAsScript(word: string): boolean {
  return /^\S+\.([cm]?[jt]sx?|py)$/.test(word);
}

/**
 * Whether a word ends a list of start scripts: it has the name of a test
 * script, and can't start a machine.
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
 * Whether a word ends a list of networks: it is a path. All other words that
 * are no numbers are mistakes.
 */
export function endsVlans(word: string): boolean {
  return word.includes("/") || isNamedAsScript(word);
}
