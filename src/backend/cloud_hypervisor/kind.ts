import { UsageError } from "../../errors.ts";
import type { BackendKind } from "../backend.ts";
import type { StartCommand } from "../start_command.ts";
import type { VmConfig } from "./vm_config.ts";

/** Facts about Cloud Hypervisor and its microVMs. */
export const cloudHypervisor: BackendKind = {
  hypervisor: "Cloud Hypervisor",
  guestNoun: "microVM",
  startsFrom: "description",
  plugsIntoHost: false,
  takesVsock: false,
  reboots: true,
  gives: new Set([
    "network",
    "disks",
    "fileSystems",
    "memory",
    "processors",
    "interrupt",
    "clock",
    "snapshots",
  ]),
  needs: readNeeds,

  /** `run-<name>-cloud-hypervisor.json` describes a microVM. */
  machineName: (startCommand) =>
    /run-([^/]+)-cloud-hypervisor\.json$/.exec(startCommand)?.[1],

  /** Its own virtual socket is the driver's. */
  sshCommand: ({ name }) => {
    throw new UsageError(
      `${name} has no ssh backdoor: the driver makes none for Cloud ` +
        "Hypervisor's guests",
    );
  },
};

function readNeeds(
  command: StartCommand,
): { memory?: number; cores?: number } {
  try {
    const { memory, cpus } = JSON.parse(
      command.description,
    ) as VmConfig & {
      memory?: { size: number };
      cpus?: { boot_vcpus: number };
    };
    return { memory: memory?.size, cores: cpus?.boot_vcpus };
  } catch {
    // The start tells what is wrong with the file.
    return {};
  }
}
