import { backendWords, isBackend } from "../backend/kinds.ts";
import type { ConfigFile, MachineConfiguration } from "./config_file.ts";
import { isGiven, JsonFile } from "./json_file.ts";
import { hasFields, microVmOf } from "./microvm_fields.ts";

/** The keys of machines of all kinds. */
const keys = ["name", "backend", "start_command", "fast_forward"];

/**
 * Reads the JSON file of `--machine-config`, which names the hypervisor of each
 * machine: `machines` is a list of `{ name, backend, start_command }`,
 * optionally with `fast_forward`, beside `vlans` and `global_timeout`. A
 * microVM may have keys of its own in place of `start_command`, as attest's
 * files have them.
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
  const wired: number[] = [];
  const configurations = machines.map((one, at) =>
    machineOf(json, `$.machines[${at}]`, one, wired)
  );
  const numbers = isGiven(vlans) ? json.numbers("$.vlans", vlans) : [];
  return {
    machines: configurations,
    vlans: isGiven(vlans) || wired.length > 0
      ? [...new Set([...numbers, ...wired])]
      : undefined,
    globalTimeout: isGiven(globalTimeout)
      ? json.seconds("$.global_timeout", globalTimeout)
      : undefined,
    warnings,
  };
}

/** @param wired Gets the VLANs that a microVM's keys name. */
function machineOf(
  json: JsonFile,
  path: string,
  value: unknown,
  wired: number[],
): MachineConfiguration {
  const one = json.object(path, value, "an object");
  const { backend, fast_forward: fastForward } = one;
  const name = json.text(`${path}.name`, one.name, "a machine's name");
  if (!isBackend(backend)) {
    throw json.wrong(`${path}.backend`, backendWords(), backend);
  }
  let startCommand: string;
  if (hasFields(backend) && !isGiven(one.start_command)) {
    const microVm = microVmOf(json, path, one, backend, keys);
    ({ startCommand } = microVm);
    wired.push(...microVm.vlans);
  } else {
    json.warnOfOthers(path, one, keys);
    startCommand = json.text(
      `${path}.start_command`,
      one.start_command,
      "the path of a start script, or a command",
    );
  }
  return {
    name,
    startCommand,
    backend,
    ...isGiven(fastForward) &&
      { fastForward: json.truth(`${path}.fast_forward`, fastForward) },
  };
}
