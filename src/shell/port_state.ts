import type { Copy } from "./copy.ts";
import type { Drain } from "./drain.ts";
import type { Job } from "./job.ts";
import type { StderrPort } from "./stderr_port.ts";

/**
 * Where the stdout of a port's commands leads: to the port itself, or to a pipe
 * from which another process copies to it.
 */
export type Outlet = "port" | "pipe";

/** A command on a port, and what it was given. */
export interface Command {
  readonly job: Job;
  readonly outlet: Outlet;
  /** Carries the command's stderr, where that is apart. */
  readonly stderr?: StderrPort;
  /** Whether the command is on its way as a whole. */
  isSent: boolean;
  /** Whether its runner was killed before it had read it. */
  isUnread?: boolean;
}

/** A command under way. */
export interface Busy extends Command {
  readonly is: "busy";
  /** The process in the guest that runs it. */
  readonly runner: number;
}

/** A command that has ended, and whose pipe is still copied to the port. */
export interface Copying extends Command {
  readonly is: "copying";
  /** Whether it could be sent anew, were it unread. */
  readonly canBegin: boolean;
  readonly copy: Copy;
}

/** A command that has ended, and a child of which has the port open. */
export interface Draining extends Command {
  readonly is: "draining";
  readonly drain: Drain;
  readonly status: number;
}

/** What a port is doing; the README has a table of it. */
export type PortState =
  /** The guest does not have it, or its shell is not there. */
  | { readonly is: "absent" }
  /** Nobody in the guest serves it. */
  | { readonly is: "idle" }
  /** A server in the guest starts; with a mark until that has opened the port. */
  | { readonly is: "readying"; readonly outlet: Outlet; readonly mark?: string }
  /** A runner waits for a command. */
  | { readonly is: "ready"; readonly outlet: Outlet; readonly runner: number }
  | Busy
  | Copying
  | Draining
  /** A child that is not waited for has the port open. */
  | { readonly is: "held" }
  /** It runs a command that could not be ended, and nobody waits for that. */
  | { readonly is: "abandoned"; readonly outlet: Outlet }
  /** It holds a part of a command, or of a stdin. */
  | { readonly is: "spoilt" };

/** What a port does while the host has no command on it. */
export type PortAtRest = Exclude<
  PortState,
  Command | { readonly is: "readying" }
>;

/** What is left of a state where nobody waits for the command that runs. */
export function atRest(state: PortState): PortAtRest {
  switch (state.is) {
    case "busy":
    case "copying": {
      const { outlet, isSent } = state;
      return isSent ? { is: "abandoned", outlet } : { is: "spoilt" };
    }
    // The line for a server that starts may be on its way: it is lost.
    case "readying":
      return { is: "abandoned", outlet: state.outlet };
    case "draining":
      return { is: "held" };
    default:
      return state;
  }
}

/** Whether a command left unread a part of itself, or of its stdin. */
export function hasLeft({ job, isSent }: Command, status: number): boolean {
  return job.over && !isSent ||
    job.options.stdin !== undefined && status !== 0;
}

/** Whether a command can be sent anew: nobody has ended it, or read its stdin. */
export function canBegin({ job }: Command): boolean {
  return !job.over && job.options.stdin === undefined;
}
