import { removeTree } from "../backend/remove_tree.ts";

/** The files in the directory of an attempt. */
export const attemptFiles = {
  /** What happened, for reports. */
  events: "events.jsonl",
  /** Its JUnit report. */
  junit: "junit.xml",
  /** Its page. */
  page: "report.html",
  /** What its process wrote to its terminal. */
  output: "output.txt",
} as const;

/**
 * Removes the files of an earlier attempt from a directory. A directory of
 * anything else stays as it is.
 *
 * @returns Whether there was an attempt.
 */
export function clearAttempt(directory: string): boolean {
  try {
    Deno.lstatSync(`${directory}/${attemptFiles.output}`);
  } catch {
    return false;
  }
  removeTree(directory);
  return true;
}
