import { type BackendName, startedBy } from "../backend/kinds.ts";
import { StartCommand } from "../backend/start_command.ts";
import type { MachineConfiguration } from "./configuration.ts";

/** A machine's name and backend. */
export interface MachineName {
  /** The name. */
  readonly name: string;
  /** The backend. */
  readonly backend: BackendName;
}

/**
 * Gets the name and the backend of a machine, from its configuration or from
 * the name of its start script.
 *
 * @throws {UsageError} if its start command is not valid.
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
