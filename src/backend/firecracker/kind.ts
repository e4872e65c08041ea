import { UsageError } from "../../errors.ts";
import type { BackendKind } from "../backend.ts";
import type { StartCommand } from "../start_command.ts";

/** Facts about Firecracker and its microVMs. */
export const firecracker: BackendKind = {
  hypervisor: "Firecracker",
  guestNoun: "microVM",
  startsFrom: "description",
  plugsIntoHost: false,
  takesVsock: false,
  reboots: false,
  gives: new Set([
    "network",
    "disks",
    "fileSystems",
    "memory",
    "processors",
    "clock",
    "snapshots",
  ]),
  needs: readNeeds,

  /** `run-<name>-firecracker.json` describes a microVM. */
  machineName: (startCommand) =>
    /run-([^/]+)-firecracker\.json$/.exec(startCommand)?.[1],

  sshCommand: ({ name }) => {
    throw new UsageError(
      `${name} has no ssh backdoor: the driver makes none for Firecracker's ` +
        "guests",
    );
  },
};

function readNeeds(
  command: StartCommand,
): { memory?: number; cores?: number } {
  try {
    const { "machine-config": machine } = JSON.parse(
      command.description,
    ) as {
      "machine-config"?: { vcpu_count?: number; mem_size_mib?: number };
    };
    // Firecracker's defaults are 128 MiB and one processor.
    return {
      memory: (machine?.mem_size_mib ?? 128) * 2 ** 20,
      cores: machine?.vcpu_count ?? 1,
    };
  } catch {
    // The start tells what is wrong with the file.
    return {};
  }
}
