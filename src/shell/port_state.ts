import type { Drain } from "./drain.ts";
import type { Job } from "./job.ts";
import type { StderrPort } from "./stderr_port.ts";

/** A command under way on a port. */
export interface Busy {
  readonly is: "busy";
  readonly job: Job;
  /** The process in the guest that runs the command. */
  readonly runner: number;
  /** Carries the command's stderr, where that is apart. */
  readonly stderr?: StderrPort;
  /** Whether the command is on its way as a whole. */
  isSent: boolean;
}

/** What a port is doing; the README has a table of it. */
export type PortState =
  /** The guest does not have it, or its shell is not there. */
  | { readonly is: "absent" }
  /** Nobody in the guest serves it. */
  | { readonly is: "idle" }
  /** A server in the guest starts; with a mark until that has opened the port. */
  | { readonly is: "readying"; readonly mark?: string }
  /** A runner waits for a command. */
  | { readonly is: "ready"; readonly runner: number }
  | Busy
  /** The command has ended, and a child of it has the port open. */
  | {
    readonly is: "draining";
    readonly job: Job;
    readonly stderr?: StderrPort;
    readonly isSent: boolean;
    readonly drain: Drain;
  }
  /** A child that is not waited for has the port open. */
  | { readonly is: "held" }
  /** It runs a command that could not be ended, and nobody waits for that. */
  | { readonly is: "abandoned" }
  /** It holds a part of a command, or of a stdin. */
  | { readonly is: "spoilt" };

/** What a port does while the host has no command on it. */
export type PortAtRest = Exclude<
  PortState,
  { readonly is: "busy" | "draining" | "readying" }
>;

/** What is left of a state where nobody waits for the command that runs. */
export function atRest(state: PortState): PortAtRest {
  if (state.is === "busy") {
    return { is: state.isSent ? "abandoned" : "spoilt" };
  }
  // What a server that starts is to read may be on its way: then it never comes.
  if (state.is === "readying") return { is: "abandoned" };
  return state.is === "draining" ? { is: "held" } : state;
}
