import type { BackendName } from "../../backend/mod.ts";
import type { MachineOf } from "../../driver/mod.ts";

/** The facts about a machine that Python gets once. */
export interface MachineFacts {
  name: string;
  stateDir: string;
  sharedDir: string;
  outDir: string;
  startCommand: string;
  backend: BackendName;
  keepState: boolean;
}

/** The facts about a machine. */
export function factsOf(machine: MachineOf, keepState: boolean): MachineFacts {
  const { name, stateDir, sharedDir, outDir, startCommand, backend } = machine;
  return {
    name,
    stateDir,
    sharedDir,
    outDir,
    startCommand,
    backend,
    keepState,
  };
}
