import { MachineError, UsageError } from "../../errors.ts";

/** A hypervisor's program. */
export interface Program {
  /** The hypervisor, as messages call it. */
  readonly hypervisor: string;
  /** The program's name on PATH. */
  readonly name: string;
  /** The environment variable that names another. */
  readonly variable: string;
  /**
   * The program of the machine's description, used if the variable is unset.
   */
  readonly described?: string;
}

/**
 * Finds a hypervisor's program.
 *
 * @returns Its path.
 * @throws {UsageError} if there is none.
 */
export function findProgram(
  { hypervisor, name, variable, described }: Program,
): string {
  const named = Deno.env.get(variable);
  if (named !== undefined && named !== "") {
    if (isProgram(named)) return named;
    throw new UsageError(
      `Expected ${hypervisor}'s program in ${variable}, got ${named}, which is ` +
        "no executable file",
    );
  }
  if (described !== undefined) {
    if (isProgram(described)) return described;
    throw new UsageError(
      `Expected ${hypervisor}'s program in a machine's description, got ` +
        `${described}, which is no executable file`,
    );
  }
  for (const directory of (Deno.env.get("PATH") ?? "").split(":")) {
    const path = `${directory || "."}/${name}`;
    if (isProgram(path)) return path;
  }
  throw new UsageError(
    `Expected ${hypervisor}'s program ${name} on PATH, or its path in ` +
      `${variable}; there is neither`,
  );
}

/**
 * @throws {MachineError} if a hypervisor is older than the driver can use.
 *
 * @param version What it says, as `1.17.0-dev` or `v53.0`.
 * @param oldest The oldest that is taken, as numbers.
 * @param why What older ones lack, as the end of a sentence.
 */
export function demandVersion(
  hypervisor: string,
  version: string,
  oldest: readonly number[],
  why: string,
): void {
  const numbers = /\d+(\.\d+)*/.exec(version)?.[0].split(".").map(Number) ?? [];
  for (const [at, least] of oldest.entries()) {
    const number = numbers[at] ?? 0;
    if (number > least) return;
    if (number === least) continue;
    throw new MachineError(
      `Expected ${hypervisor} ${
        oldest.join(".")
      } or newer, got ${version}: ${why}`,
    );
  }
}

function isProgram(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch {
    return false;
  }
}
