import type { PortAtRest } from "./port_state.ts";
import type { StderrPortAtRest } from "./stderr_port.ts";

/**
 * What a {@linkcode Shell} knows of its guest, as plain data: another one takes
 * the guest up with it, once that was restored to the moment when this was true.
 */
export interface SavedShell {
  /** What marks the answers of the guest's side. */
  readonly token: string;
  /** The first number that nothing in the channel bears yet. */
  readonly numbers: number;
  /** Seconds that the shell took to take our side of the guest in. */
  readonly pace: number;
  /** The ports for commands, by their names in the guest. */
  readonly ports: Readonly<Record<string, PortAtRest>>;
  /** The ports for stderr. */
  readonly stderrPorts: Readonly<Record<string, StderrPortAtRest>>;
}
