/**
 * The package of the assertions, for programs that import the library by its
 * URL.
 */
export const assertionsPackage = "npm:deno-std@1.4.0/assert/mod.js";

/** The assertions that every script sees. */
export const assertions: Record<string, unknown> = Object.fromEntries(
  Object.entries(await std()).filter(([name]) => isAssertion(name)),
);

async function std(): Promise<Record<string, unknown>> {
  try {
    return await import("@std/assert");
  } catch (error) {
    // Without this project's import map, the name is unknown. The package's own
    // name is not a literal here, so that only runs of a script fetch the
    // package.
    const specifier: string = assertionsPackage;
    try {
      return await import(specifier);
    } catch {
      throw error;
    }
  }
}

function isAssertion(name: string): boolean {
  return /^assert/i.test(name) || name === "fail";
}
