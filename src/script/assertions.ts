/** Where the assertions are for who imports the library by its address. */
export const assertionsPackage = "npm:deno-std@1.4.0/assert/mod.js";

/** The assertions that every script sees. */
export const assertions: Record<string, unknown> = Object.fromEntries(
  Object.entries(await std()).filter(([name]) => isAssertion(name)),
);

async function std(): Promise<Record<string, unknown>> {
  try {
    return await import("@std/assert");
  } catch (error) {
    // Without this project's import map the name means nothing. The package's
    // own name is no literal here, so that only runs of a script fetch it.
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
