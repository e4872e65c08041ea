import { type BackendName, backendWords, isBackend } from "../backend/kinds.ts";
import { UsageError } from "../errors.ts";
import { nearest } from "../report/nearest.ts";

/** A machine of a configuration file. */
export interface MachineConfiguration {
  /** The machine's name. */
  readonly name: string;
  /** The path of a start script, or a command line for the shell. */
  readonly startCommand: string;
  /** What runs it; if nothing is given, what the start command's name says. */
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
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    // The runtime's message quotes the text with its line ends.
    const message = (error as Error).message.replace(
      /^Unexpected token '(.+?)', .*$/su,
      (_, token) => `unexpected ${JSON.stringify(token)}`,
    );
    throw new UsageError(`${file} is not JSON: ${message}`);
  }
  const wrong = (path: string, expected: string, got: unknown) =>
    new UsageError(
      `${file}: ${path} must be ${expected}, got ${describe(got)}`,
    );
  const object = (path: string, value: unknown, of: string) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw wrong(path, of, value);
    }
    return value as Record<string, unknown>;
  };
  const present = (value: unknown) => value !== undefined && value !== null;

  const top = object("$", root, "an object");
  const warnings: string[] = [];
  const warnOfOthers = (
    path: string,
    value: Record<string, unknown>,
    known: string[],
  ) => {
    for (const key of Object.keys(value)) {
      if (known.includes(key)) continue;
      const meant = nearest(key, known);
      warnings.push(
        `${file}: ${path}.${key} is unknown and has no effect` +
          (meant === undefined ? "" : `; did you mean ${meant}?`),
      );
    }
  };
  warnOfOthers("$", top, [...keys, ...displayKeys.top]);

  const machines = (
    key: "vms" | "containers",
  ): MachineConfiguration[] | undefined => {
    if (!present(top[key])) return;
    const all = object(`$.${key}`, top[key], "an object of machines");
    return Object.entries(all).map(([id, value]) => {
      const path = `$.${key}${step(id)}`;
      const one = object(path, value, "an object with a start_script");
      warnOfOthers(path, one, [
        "name",
        "start_script",
        ...key === "vms" ? ["backend"] : [],
        ...key === "containers" ? displayKeys.containers : [],
      ]);
      const { name = id, start_script: startCommand, backend } = one;
      if (typeof name !== "string" || name === "") {
        throw wrong(`${path}.name`, "a machine's name", name);
      }
      if (typeof startCommand !== "string" || startCommand === "") {
        throw wrong(
          `${path}.start_script`,
          "the path of a start script",
          startCommand,
        );
      }
      if (key === "containers" || !present(backend)) {
        return { name, startCommand };
      }
      if (!isBackend(backend)) {
        throw wrong(`${path}.backend`, backendWords(), backend);
      }
      return { name, startCommand, backend };
    });
  };

  const vlans = (): number[] | undefined => {
    if (!present(top.vlans)) return;
    if (!Array.isArray(top.vlans)) {
      throw wrong("$.vlans", "a list of numbers", top.vlans);
    }
    return top.vlans.map((vlan, i) => {
      if (!Number.isSafeInteger(vlan) || vlan < 0) {
        throw wrong(`$.vlans[${i}]`, "a number from 0 up", vlan);
      }
      return vlan;
    });
  };

  const timeout = top.global_timeout;
  if (present(timeout) && !(typeof timeout === "number" && timeout > 0)) {
    throw wrong("$.global_timeout", "a number of seconds above 0", timeout);
  }
  const ssh = top.enable_ssh_backdoor;
  if (present(ssh) && typeof ssh !== "boolean") {
    throw wrong("$.enable_ssh_backdoor", "true or false", ssh);
  }
  const script = top.test_script;
  if (present(script) && (typeof script !== "string" || script === "")) {
    throw wrong("$.test_script", "the path of a test script", script);
  }

  return {
    machines: machines("vms"),
    containers: machines("containers"),
    vlans: vlans(),
    globalTimeout: (timeout ?? undefined) as number | undefined,
    sshBackdoor: (ssh ?? undefined) as boolean | undefined,
    testScript: (script ?? undefined) as string | undefined,
    warnings,
  };
}

/** Writes a key as a step of a JSON path. */
function step(key: string): string {
  return /^[\w-]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  return JSON.stringify(value);
}
