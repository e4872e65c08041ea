import { UsageError } from "../errors.ts";
import { exitCodes } from "../run/exit_codes.ts";
import { shownDiagnostic, TypeErrors } from "../run/type_errors.ts";
import {
  checkTypes,
  floatingPromises,
  isJavaScript,
  Script,
  wantsCheck,
} from "../script/mod.ts";
import type { Configuration } from "./configuration.ts";
import { scriptNames } from "./script_names.ts";

/** `vmwright check`. */
export async function check(configuration: Configuration): Promise<number> {
  const script = new Script(configuration.script!);
  if (script.language === "python") return await checkInPython(configuration);
  if (!wantsCheck(script)) {
    throw new UsageError(
      `${script.name} is JavaScript, whose types are checked only if it has a line \`// @ts-check\``,
    );
  }
  const names = scriptNames(configuration);
  const diagnostics = configuration.check
    ? await checkTypes(script, names)
    : [];
  if (diagnostics.length > 0) {
    const { detail, message } = new TypeErrors(diagnostics);
    console.error(`${detail}\nvmwright: ${message}`);
    return exitCodes.failed;
  }
  // If types are wrong, the findings about promises may be wrong too.
  const promises = configuration.lint && !isJavaScript(script)
    ? await floatingPromises(script, names)
    : [];
  if (promises.length === 0) return exitCodes.passed;
  const count = promises.length;
  console.error(
    `${
      promises.map(shownDiagnostic).join("\n")
    }\nvmwright: the script misses ${count} await${
      count === 1 ? "" : "s"
    }; --no-lint leaves them out of the check`,
  );
  return exitCodes.failed;
}

async function checkInPython(configuration: Configuration): Promise<number> {
  const { checkPython } = await import("../script/python/check_types.ts");
  const diagnostics = await checkPython(
    new Script(configuration.script!),
    scriptNames(configuration),
    { types: configuration.check, lint: configuration.lint },
  );
  const [warnings, errors] = [true, false].map((isWarning) =>
    diagnostics.filter((one) => (one.isWarning ?? false) === isWarning)
  );
  for (const one of warnings) console.error(`warning: ${shownDiagnostic(one)}`);
  if (errors.length === 0) return exitCodes.passed;
  const { detail, message } = new TypeErrors(errors);
  console.error(`${detail}\nvmwright: ${message}`);
  return exitCodes.failed;
}
