import { type BackendName, isBackend } from "../backend/kinds.ts";
import {
  descriptionOf,
  type MicroVmFields,
} from "../backend/microvm/fields.ts";
import { absolute } from "../paths.ts";
import { isObject } from "./fields.ts";
import type { PlannedTest } from "./planned_test.ts";

/** A machine of a test, as far as a suite has to know it. */
export interface TestMachine {
  /** Its start command, with an absolute path where it is a file. */
  readonly startCommand: string;
  /** Its backend, where a file names it. */
  readonly backend?: BackendName;
}

/** What a suite has to know of a test before it starts. */
export interface TestSetting {
  /** The machines, but for those that the script makes. */
  readonly machines: readonly TestMachine[];
  /** The test script, if it is known. */
  readonly script?: string;
  /** Seconds that the test may take, as a configuration file says. */
  readonly timeout?: number;
  /** All files that are named, with absolute paths. */
  readonly files: readonly string[];
}

/**
 * Reads what a suite has to know of a test. The test's own process checks its
 * files, so this ignores mistakes in them.
 *
 * @param test The test.
 * @param folder The folder that its paths count from.
 */
export function settingOf(test: PlannedTest, folder: string): TestSetting {
  const file = test.config ?? test.machineConfig;
  const path = file === undefined ? undefined : absolute(file, folder);
  const content = path === undefined ? {} : contentOf(path);
  const machines = [
    ...(test.startScripts ?? []).map((command) => ({
      startCommand: located(command, folder),
    })),
    ...machinesIn(content.vms, "start_script", folder),
    ...machinesIn(content.containers, "start_script", folder, "nspawn"),
    ...machinesIn(content.machines, "start_command", folder),
  ];
  const script = test.script ??
    (typeof content.test_script === "string" ? content.test_script : undefined);
  const { global_timeout: timeout } = content;
  const whole = script === undefined ? undefined : absolute(script, folder);
  return {
    machines,
    script: whole,
    timeout: typeof timeout === "number" && timeout > 0 ? timeout : undefined,
    files: [
      ...path === undefined ? [] : [path],
      ...whole === undefined ? [] : [whole],
      ...machines.flatMap(({ startCommand }) =>
        startCommand.startsWith("/") && !/\s/.test(startCommand)
          ? [startCommand]
          : []
      ),
    ],
  };
}

function contentOf(path: string): Record<string, unknown> {
  try {
    const value = JSON.parse(Deno.readTextFileSync(path));
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function machinesIn(
  value: unknown,
  key: string,
  folder: string,
  backend?: BackendName,
): TestMachine[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap((one) => {
    if (!isObject(one)) return [];
    const own = isBackend(one.backend) ? one.backend : backend;
    const command = one[key] ?? descriptionIn(one, own);
    if (typeof command !== "string") return [];
    const startCommand = located(command, folder);
    return own === undefined
      ? { startCommand }
      : { startCommand, backend: own };
  });
}

/** The description of a microVM that a file describes key by key. */
function descriptionIn(
  one: Record<string, unknown>,
  backend: BackendName | undefined,
): string | undefined {
  return backend !== undefined && typeof one.kernel_image_path === "string"
    ? descriptionOf(
      backend,
      { ...one, tap_interfaces: undefined } as unknown as MicroVmFields,
    )
    : undefined;
}

/** A start script's absolute path, or a command as it is. */
function located(command: string, folder: string): string {
  const path = absolute(command, folder);
  try {
    return Deno.statSync(path).isFile ? path : command;
  } catch {
    return command;
  }
}
