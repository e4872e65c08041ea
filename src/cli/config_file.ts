import { type BackendName, backendWords, isBackend } from "../backend/kinds.ts";
import { isGiven, JsonFile, pathStep } from "./json_file.ts";

/** A machine of a configuration file. */
export interface MachineConfiguration {
  /** The machine's name. */
  readonly name: string;
  /** The path of a start script, or a command line for the shell. */
  readonly startCommand: string;
  /** What runs it; if nothing is given, the start command's name tells it. */
  readonly backend?: BackendName;
  /** Whether its time passes at once while it is idle. */
  readonly fastForward?: boolean;
}

/** The contents of a configuration file. Missing values are absent. */
export interface ConfigFile {
  /** Virtual machines. */
  readonly machines?: MachineConfiguration[];
  /** Containers. */
  readonly containers?: MachineConfiguration[];
  /** Numbers of the networks. */
  readonly vlans?: number[];
  /** Seconds. */
  readonly globalTimeout?: number;
  /** Whether to print how to connect to the machines by ssh. */
  readonly sshBackdoor?: boolean;
  /** Path of the test script. */
  readonly testScript?: string;
  /** Warnings about the file. */
  readonly warnings: string[];
}

const keys = [
  "vms",
  "containers",
  "vlans",
  "global_timeout",
  "enable_ssh_backdoor",
  "test_script",
];

/** Keys for looking into a container by hand, which a run does not use. */
const displayKeys = {
  top: ["display_viewers"],
  containers: ["display_targets", "display_exporters"],
};

/**
 * Reads the JSON file of `--config`, whose keys are those of the NixOS test
 * framework. Unknown keys cause a warning only: a program writes the file, and
 * its next version may write more.
 *
 * @param text The file's text.
 * @param file The file's name, for messages.
 * @returns The contents.
 * @throws {UsageError} if it is no JSON, or if a value has the wrong type.
 */
export function parseConfigFile(text: string, file: string): ConfigFile {
  const json = new JsonFile(text, file);
  const { top, warnings } = json;
  json.warnOfOthers("$", top, [...keys, ...displayKeys.top]);
  const { vlans, global_timeout, enable_ssh_backdoor, test_script } = top;
  return {
    machines: machinesOf(json, "vms", ["backend"]),
    containers: machinesOf(json, "containers", displayKeys.containers),
    vlans: isGiven(vlans) ? json.numbers("$.vlans", vlans) : undefined,
    globalTimeout: isGiven(global_timeout)
      ? json.seconds("$.global_timeout", global_timeout)
      : undefined,
    sshBackdoor: isGiven(enable_ssh_backdoor)
      ? json.truth("$.enable_ssh_backdoor", enable_ssh_backdoor)
      : undefined,
    testScript: isGiven(test_script)
      ? json.text("$.test_script", test_script, "the path of a test script")
      : undefined,
    warnings,
  };
}

/** The machines below a key of the file, by their ids. */
function machinesOf(
  json: JsonFile,
  key: "vms" | "containers",
  moreKeys: readonly string[],
): MachineConfiguration[] | undefined {
  if (!isGiven(json.top[key])) return;
  const all = json.object(`$.${key}`, json.top[key], "an object of machines");
  return Object.entries(all).map(([id, value]) => {
    const path = `$.${key}${pathStep(id)}`;
    const one = json.object(path, value, "an object with a start_script");
    json.warnOfOthers(path, one, ["name", "start_script", ...moreKeys]);
    const name = json.text(
      `${path}.name`,
      one.name === undefined ? id : one.name,
      "a machine's name",
    );
    const startCommand = json.text(
      `${path}.start_script`,
      one.start_script,
      "the path of a start script",
    );
    const { backend } = one;
    if (key === "containers" || !isGiven(backend)) {
      return { name, startCommand };
    }
    if (!isBackend(backend)) {
      throw json.wrong(`${path}.backend`, backendWords(), backend);
    }
    return { name, startCommand, backend };
  });
}
