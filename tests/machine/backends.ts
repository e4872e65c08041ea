import type { BackendName } from "../../src/backend/mod.ts";
import {
  guest,
  microConfiguration,
  type MicroHypervisor,
  type MicroOptions,
} from "../guests/mod.ts";
import { standIn } from "../stand_in/programs.ts";

/** A backend whose guests the tests can start on this host. */
export interface Trial {
  readonly backend: BackendName;
  /** How the tests start it, as words. */
  readonly by: string;
  /** What its guest's console says first. */
  readonly firstWords: RegExp;
  /**
   * Writes what a machine is started from.
   *
   * @param options For microVMs alone; a start script asks its environment.
   * @returns Its path.
   */
  startCommand(
    name: string,
    directory: string,
    options?: MicroOptions,
  ): Promise<string>;
}

/** The microVMs' hypervisors, and the variables that name their programs. */
const PROGRAMS: [MicroHypervisor & BackendName, string][] = [
  ["firecracker", "VMWRIGHT_FIRECRACKER"],
  ["cloud-hypervisor", "VMWRIGHT_CLOUD_HYPERVISOR"],
];

/** All backends that run virtual machines, and a guest for each. */
export const trials: readonly Trial[] = [
  {
    backend: "qemu",
    by: "QEMU",
    // Its kernel has the option quiet, and the firmware prints first.
    firstWords: /\S/,
    startCommand: async (name) => (await guest("tiny")).startScriptFor(name),
  },
  ...PROGRAMS.map(([backend, variable]): Trial => {
    const real = Deno.env.get(variable);
    if (real === undefined) {
      console.log(
        `Skipped: the real ${backend}, since ${variable} names none; a ` +
          "stand-in for it runs the tests",
      );
    }
    return {
      backend,
      firstWords: /^\[ +0\.000000\] Linux version/,
      by: real === undefined ? `a stand-in for ${backend}` : real,
      async startCommand(name, directory, options) {
        if (real === undefined) {
          Deno.env.set(variable, await standIn(backend, directory));
        }
        return await microConfiguration(backend, name, directory, options);
      },
    };
  }),
];
