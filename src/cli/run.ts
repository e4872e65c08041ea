import { run } from "../run/run.ts";
import type { Configuration } from "./configuration.ts";

/**
 * `vmwright SCRIPT` and `vmwright eval`.
 *
 * @param configuration What to run.
 * @returns The exit status.
 */
export async function runCommand(
  configuration: Configuration,
): Promise<number> {
  const { machines, containers, command, script, ...rest } = configuration;
  const evaluate = command === "eval"
    ? (await import("./evaluate.ts")).evaluate
    : undefined;
  const { exitCode } = await run({
    ...rest,
    name: script?.path ?? `[${command}]`,
    script,
    machines: [
      ...machines,
      ...containers.map((one) => ({ ...one, backend: "nspawn" as const })),
    ],
    evaluate: evaluate && ((own) => evaluate(configuration, own)),
  });
  return exitCode;
}
