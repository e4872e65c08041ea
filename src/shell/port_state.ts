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
  /** Carries the command's stderr, if that is separate. */
  readonly stderr?: StderrPort;
  /** Whether the whole command was sent. */
  isSent: boolean;
  /** Whether its runner was killed: what that has not read is passed over. */
  isKilled?: boolean;
  /** Whether its runner was killed before it had read it. */
  isUnread?: boolean;
}

/** A command under way. */
export interface Busy extends Command {
  readonly is: "busy";
  /** The process in the guest that runs it. */
  readonly runner: number;
}

/** A command that has ended while its pipe is still copied to the port. */
export interface Copying extends Command {
  readonly is: "copying";
  /** Whether it may be sent again, if its runner did not read it. */
  readonly canBegin: boolean;
  readonly copy: Copy;
}

/** A command that has ended while a child of it has the port open. */
export interface Draining extends Command {
  readonly is: "draining";
  readonly drain: Drain;
  readonly status: number;
}

/** A server starts, or the next runner of one that is there. */
export interface Readying {
  readonly is: "readying";
  readonly outlet: Outlet;
  /** What a new server waits for; none when it has opened the port. */
  readonly mark?: string;
}

/** What a port is doing; the README has a table of it. */
export type PortState =
  /** The guest does not have the port, or has no shell. */
  | { readonly is: "absent" }
  /** Nobody in the guest serves it. */
  | { readonly is: "idle" }
  | Readying
  /** A runner waits for a command. */
  | { readonly is: "ready"; readonly outlet: Outlet; readonly runner: number }
  | Busy
  | Copying
  | Draining
  /** A child has the port open, and the host no longer waits for it. */
  | { readonly is: "held" }
  /** It runs a command that could not be ended, and nobody waits for that. */
  | { readonly is: "abandoned"; readonly outlet: Outlet }
  /** It holds a part of a command, or of a stdin; its server may live. */
  | { readonly is: "spoilt"; readonly outlet?: Outlet };

/** What a port does while the host has no command on it. */
export type PortAtRest = Exclude<
  PortState,
  Command | Readying
>;

/** The state for a host that does not wait for the running command. */
export function atRest(state: PortState): PortAtRest {
  switch (state.is) {
    case "busy":
    case "copying": {
      const { outlet, isSent } = state;
      return { is: isSent ? "abandoned" : "spoilt", outlet };
    }
    // The line for a starting server may be in transit, and is lost.
    case "readying":
      return { is: "abandoned", outlet: state.outlet };
    case "draining":
      return { is: "held" };
    default:
      return state;
  }
}

/** Whether a command has left a part of itself or of its stdin unread. */
export function hasLeft(
  { job, isSent, isKilled }: Command,
  status: number,
): boolean {
  if (isKilled) return false;
  return job.over && !isSent ||
    job.options.stdin !== undefined && status !== 0;
}

/**
 * Whether a command can be sent again: it was not ended, and its stdin was not
 * read.
 */
export function canBegin({ job }: Command): boolean {
  return !job.over && job.options.stdin === undefined;
}
