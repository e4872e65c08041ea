import { absolute, directoryOf } from "../../paths.ts";
import type { StartCommand } from "../start_command.ts";
import { StartFailure } from "../start_failure.ts";

/** A JSON object. */
export type JsonObject = Record<string, unknown>;

/** A hypervisor's description of a guest, in its own form. */
export interface Description {
  /** What it says, without what is the driver's alone. */
  readonly value: JsonObject;
  /** The hypervisor's program, if it names one by its key `program`. */
  readonly program?: string;
  /**
   * Makes a path of it absolute: it counts from the file's directory, or, where
   * there is no file, from the working directory.
   */
  path(path: string): string;
}

/**
 * Reads the description that a machine is started from.
 *
 * @param name The machine's name.
 * @param hypervisor The hypervisor, as messages call it.
 * @throws {MachineError} if there is no such file, or if it is no JSON object.
 */
export function readDescription(
  command: StartCommand,
  name: string,
  hypervisor: string,
): Description {
  const file = command.isDescription ? undefined : absolute(command.text);
  const wrong = (got: string) =>
    new StartFailure(
      `${name} did not start: expected ${hypervisor}'s description of it, a ` +
        `JSON object${file === undefined ? "" : `, in ${file}`}, got ${got}`,
    );
  let value: unknown;
  try {
    value = JSON.parse(command.description);
  } catch (error) {
    throw wrong((error as Error).message);
  }
  if (!isObject(value)) throw wrong(JSON.stringify(value));
  const { program, ...rest } = value;
  const base = file === undefined ? Deno.cwd() : directoryOf(file);
  return {
    value: rest,
    ...typeof program === "string" ? { program: absolute(program, base) } : {},
    path: (path) => absolute(path, base),
  };
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The VLAN that a TAP's name in a description means: 1 for `vlan1`. */
export function vlanOf(tap: unknown): number | undefined {
  const [, digits] = typeof tap === "string"
    ? /^vlan(\d+)$/.exec(tap) ?? []
    : [];
  return digits === undefined ? undefined : Number(digits);
}
