import { backendWords, isBackend } from "../backend/kinds.ts";
import type { ConfigFile, MachineConfiguration } from "./config_file.ts";
import { isGiven, JsonFile } from "./json_file.ts";

/**
 * Reads the JSON file of `--machine-config`, which names the hypervisor of each
 * machine: `machines` is a list of `{ name, backend, start_command }`, and where
 * wanted `fast_forward`, beside `vlans` and `global_timeout`.
 *
 * @param text The file's text.
 * @param file The file's name, for messages.
 * @returns The contents.
 * @throws {UsageError} if it is no JSON, or if a value has the wrong type.
 */
export function parseMachineConfig(text: string, file: string): ConfigFile {
  const json = new JsonFile(text, file);
  const { top, warnings } = json;
  json.warnOfOthers("$", top, ["machines", "vlans", "global_timeout"]);
  const { machines = [], vlans, global_timeout: globalTimeout } = top;
  if (!Array.isArray(machines)) {
    throw json.wrong("$.machines", "a list of machines", machines);
  }
  return {
    machines: machines.map((one, at) =>
      machineOf(json, `$.machines[${at}]`, one)
    ),
    vlans: isGiven(vlans) ? json.numbers("$.vlans", vlans) : undefined,
    globalTimeout: isGiven(globalTimeout)
      ? json.seconds("$.global_timeout", globalTimeout)
      : undefined,
    warnings,
  };
}

function machineOf(
  json: JsonFile,
  path: string,
  value: unknown,
): MachineConfiguration {
  const one = json.object(path, value, "an object");
  json.warnOfOthers(path, one, [
    "name",
    "backend",
    "start_command",
    "fast_forward",
  ]);
  const { backend, fast_forward: fastForward } = one;
  const name = json.text(`${path}.name`, one.name, "a machine's name");
  if (!isBackend(backend)) {
    throw json.wrong(`${path}.backend`, backendWords(), backend);
  }
  const startCommand = json.text(
    `${path}.start_command`,
    one.start_command,
    "the path of a start script, or a command",
  );
  return {
    name,
    startCommand,
    backend,
    ...isGiven(fastForward) &&
      { fastForward: json.truth(`${path}.fast_forward`, fastForward) },
  };
}
