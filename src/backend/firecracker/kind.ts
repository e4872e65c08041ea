import { UsageError } from "../../errors.ts";
import type { BackendKind } from "../backend.ts";

/** Facts about Firecracker and its microVMs. */
export const firecracker: BackendKind = {
  hypervisor: "Firecracker",
  guestNoun: "microVM",
  startsFrom: "description",
  plugsIntoHost: false,
  takesVsock: false,
  reboots: false,
  gives: new Set(["processors", "clock"]),

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
