import type { PortAtRest } from "./port_state.ts";
import type { StderrPortAtRest } from "./stderr_port.ts";

/**
 * What a {@linkcode Shell} knows of its guest, as plain data. With it, another
 * shell can use a guest that was restored to this moment.
 */
export interface SavedShell {
  /** What marks the answers of the guest's side. */
  readonly token: string;
  /** The first number that is not in use in the channel yet. */
  readonly numbers: number;
  /** Seconds that the shell took to read the guest's side. */
  readonly pace: number;
  /** The ports for commands, by their names in the guest. */
  readonly ports: Readonly<Record<string, PortAtRest>>;
  /** The ports for stderr. */
  readonly stderrPorts: Readonly<Record<string, StderrPortAtRest>>;
}
