import { UsageError } from "../errors.ts";
import { backendWords, isBackend } from "../backend/kinds.ts";
import { nearest } from "../report/nearest.ts";
import type { ConfigFile } from "./config_file.ts";

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
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    throw new UsageError(`${file} is not JSON`);
  }
  const wrong = (path: string, expected: string, got: unknown) =>
    new UsageError(
      `${file}: ${path} must be ${expected}, got ${
        got === undefined ? "nothing" : JSON.stringify(got)
      }`,
    );
  if (!isObject(root)) throw wrong("$", "an object", root);
  const warnings: string[] = [];
  const warnOfOthers = (path: string, keys: string[], known: string[]) => {
    for (const key of keys) {
      if (known.includes(key)) continue;
      const meant = nearest(key, known);
      warnings.push(
        `${file}: ${path}.${key} is unknown and has no effect` +
          (meant === undefined ? "" : `; did you mean ${meant}?`),
      );
    }
  };
  const known = ["machines", "vlans", "global_timeout"];
  warnOfOthers("$", Object.keys(root), known);
  const { machines = [], vlans, global_timeout: globalTimeout } = root;
  if (!Array.isArray(machines)) {
    throw wrong("$.machines", "a list of machines", machines);
  }
  if (vlans !== undefined && !isNumbers(vlans)) {
    throw wrong("$.vlans", "a list of numbers from 0 up", vlans);
  }
  const isTime = typeof globalTimeout === "number" && globalTimeout > 0;
  if (globalTimeout !== undefined && !isTime) {
    throw wrong(
      "$.global_timeout",
      "a number of seconds above 0",
      globalTimeout,
    );
  }
  return {
    machines: machines.map((one: unknown, index) => {
      const path = `$.machines[${index}]`;
      if (!isObject(one)) throw wrong(path, "an object", one);
      const {
        name,
        backend,
        start_command: startCommand,
        fast_forward: fastForward,
        ...others
      } = one;
      if (typeof name !== "string" || name === "") {
        throw wrong(`${path}.name`, "a machine's name", name);
      }
      if (!isBackend(backend)) {
        throw wrong(`${path}.backend`, backendWords(), backend);
      }
      if (typeof startCommand !== "string" || startCommand === "") {
        throw wrong(
          `${path}.start_command`,
          "the path of a start script, or a command",
          startCommand,
        );
      }
      if (fastForward !== undefined && typeof fastForward !== "boolean") {
        throw wrong(`${path}.fast_forward`, "true or false", fastForward);
      }
      warnOfOthers(path, Object.keys(others), [
        "name",
        "backend",
        "start_command",
        "fast_forward",
      ]);
      return {
        name,
        startCommand,
        backend,
        ...fastForward === undefined ? {} : { fastForward },
      };
    }),
    vlans,
    globalTimeout: isTime ? globalTimeout : undefined,
    warnings,
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) &&
    value.every((one) => Number.isSafeInteger(one) && one >= 0);
}
