import { type BackendName, startedBy } from "../backend/kinds.ts";
import { StartCommand } from "../backend/start_command.ts";
import type { MachineConfiguration } from "./configuration.ts";

/** A machine's name, and what runs it. */
export interface MachineName {
  /** The name. */
  readonly name: string;
  /** What runs it. */
  readonly backend: BackendName;
}

/**
 * The name of a machine, and what runs it: as it is configured, or as the name of
 * its start script has it.
 *
 * @throws {UsageError} where its start command is none.
 */
export function nameOf(machine: string | MachineConfiguration): MachineName {
  const given: MachineConfiguration = typeof machine === "string"
    ? { startCommand: machine }
    : machine;
  const usual = startedBy(new StartCommand(given.startCommand));
  return {
    name: given.name ?? usual.name,
    backend: given.backend ?? usual.backend,
  };
}
