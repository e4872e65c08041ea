// The program's own dependency, not that of whoever imports the library.
import * as std from "@std/assert";

/** The assertions that every script sees. */
export const assertions: Record<string, unknown> = Object.fromEntries(
  Object.entries(std).filter(([name]) => isAssertion(name)),
);

function isAssertion(name: string): boolean {
  return /^assert/i.test(name) || name === "fail";
}
