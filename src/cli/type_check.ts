import {
  checkTypes,
  findApi,
  findDeno,
  floatingPromises,
  isJavaScript,
  Script,
  type TypeDiagnostic,
  wantsCheck,
} from "../script/mod.ts";
import { UsageError } from "../report/errors.ts";
import type { Configuration } from "./configuration.ts";
import { exitCodes } from "./exit_codes.ts";

/** A script's types are wrong. */
export class TypeErrors extends Error {
  /** The error's name. */
  override name = "TypeErrors";
  /** What to show a person. */
  readonly detail: string;
  /** Whether the script can't be run all the same. */
  readonly isFatal: boolean;

  /** Takes what is wrong. */
  constructor(diagnostics: readonly TypeDiagnostic[]) {
    const count = diagnostics.length;
    const isFatal = diagnostics.some((diagnostic) => diagnostic.isFatal);
    const what = isFatal ? "error" : "type error";
    super(`the script has ${count} ${what}${count === 1 ? "" : "s"}`);
    this.isFatal = isFatal;
    this.detail = diagnostics.map(shown).join("\n");
  }
}

/** `vmwright check`. */
export async function check(configuration: Configuration): Promise<number> {
  const script = new Script(configuration.script!);
  if (script.language === "python") return await checkInPython(configuration);
  if (!wantsCheck(script)) {
    throw new UsageError(
      `${script.name} is JavaScript, which is checked where a line \`// @ts-check\` in it says so`,
    );
  }
  const names = namesOf(configuration);
  const diagnostics = await checkTypes(script, names);
  if (diagnostics.length > 0) {
    const { detail, message } = new TypeErrors(diagnostics);
    console.error(`${detail}\nvmwright: ${message}`);
    return exitCodes.failed;
  }
  // Without its types, nobody knows what is a promise.
  const promises = configuration.lint && !isJavaScript(script)
    ? await floatingPromises(script, names)
    : [];
  if (promises.length === 0) return exitCodes.passed;
  const count = promises.length;
  console.error(
    `${
      promises.map(shown).join("\n")
    }\nvmwright: the script misses ${count} await${
      count === 1 ? "" : "s"
    }; --no-lint leaves them out of the check`,
  );
  return exitCodes.failed;
}

async function checkInPython(configuration: Configuration): Promise<number> {
  const { checkPython } = await import("../script/python/check_types.ts");
  const diagnostics = await checkPython(new Script(configuration.script!), {
    ...namesOf(configuration),
    containers: configuration.containers.map(({ name }) => name),
  }, { lint: configuration.lint });
  const [warnings, errors] = [true, false].map((isWarning) =>
    diagnostics.filter((one) => (one.isWarning ?? false) === isWarning)
  );
  for (const one of warnings) console.error(`warning: ${shown(one)}`);
  if (errors.length === 0) return exitCodes.passed;
  const { detail, message } = new TypeErrors(errors);
  console.error(`${detail}\nvmwright: ${message}`);
  return exitCodes.failed;
}

/** Whether a run can check its script's types first. */
export function canCheck(configuration: Configuration): boolean {
  const { script } = configuration;
  return configuration.check && script?.language === "typescript" &&
    script.path !== undefined && findDeno() !== undefined &&
    findApi() !== undefined;
}

/**
 * Checks a script's types while the run goes on.
 *
 * @throws {TypeErrors} They are wrong.
 */
export async function checkBeside(
  script: Script,
  configuration: Configuration,
  signal: AbortSignal,
): Promise<void> {
  if (!wantsCheck(script)) return;
  const names = namesOf(configuration);
  const diagnostics = await checkTypes(script, names, { signal });
  if (diagnostics.length > 0) throw new TypeErrors(diagnostics);
}

function namesOf({ machines, containers, vlans }: Configuration) {
  const names = [...machines, ...containers].map(({ name }) => name);
  return { machines: names, vlans };
}

function shown({ place, message, source }: TypeDiagnostic): string {
  return `${place}: ${message}${source === undefined ? "" : `\n${source}`}`;
}
