import { Drain } from "./drain.ts";
import type { GuestCalls } from "./guest_calls.ts";
import type { Job } from "./job.ts";
import type { LeftBehind } from "./left_behind.ts";
import type { Code } from "./message.ts";
import type { PortSurroundings } from "./port_surroundings.ts";
import type { PortStream } from "./port_stream.ts";

/** What a port for stderr is doing; the README has a table of it. */
type State =
  | { readonly is: "absent" }
  | { readonly is: "idle" }
  | { readonly is: "busy"; readonly job: Job }
  | {
    readonly is: "ending";
    readonly job: Job;
    readonly drain: Drain;
    readonly done: () => void;
  }
  | { readonly is: "held" };

/** What a port for stderr does while the host has no command with it. */
export interface StderrPortAtRest {
  readonly is: "absent" | "idle" | "held";
  readonly device: string;
}

/** A port that carries the separate stderr of commands. */
export class StderrPort {
  readonly #stream: PortStream;
  readonly #calls: GuestCalls;
  readonly #left: LeftBehind;
  #device = "";
  #state: State = { is: "absent" };

  /** Listens to the port from now on. */
  constructor(
    stream: PortStream,
    { calls, left }: Pick<PortSurroundings, "calls" | "left">,
  ) {
    this.#stream = stream;
    this.#calls = calls;
    this.#left = left;
    stream.listen({
      data: (bytes) => this.#hearBytes(bytes),
      code: (code) => this.#hearCode(code),
    });
  }

  /** The port's name in the guest. */
  get name(): string {
    return this.#stream.name;
  }

  /** The number of its device in the guest, such as `1p3`. */
  get device(): string {
    return this.#device;
  }

  /** The name of its state. */
  get is(): State["is"] {
    return this.#state.is;
  }

  /** The guest has the port, as this device. */
  found(device: string): void {
    if (this.#state.is !== "absent") return;
    this.#device = device;
    this.#state = { is: "idle" };
  }

  /** The port's state, for another host that restores the guest. */
  get atRest(): StderrPortAtRest {
    const { is } = this.#state;
    return {
      is: is === "busy" || is === "ending" ? "held" : is,
      device: this.#device,
    };
  }

  /** Begins with the state that another host has saved. */
  takeUp({ is, device }: StderrPortAtRest): void {
    this.#state = { is };
    this.#device = device;
  }

  /** Carries the stderr of a job, whose command opens the port itself. */
  begin(job: Job): void {
    this.#state = { is: "busy", job };
  }

  /** The command has ended; calls `done` when all of its stderr is there. */
  finish(done: () => void): void {
    const { is } = this.#state;
    if (this.#state.is !== "busy") {
      throw new Error(`Expected ${this.name} to be busy, and it is ${is}`);
    }
    const { job } = this.#state;
    const drain = new Drain({
      port: this.name,
      code: "end",
      command: job.command,
      drain: (code) => this.#calls.drain(this.name, code),
      leave: () => this.#calls.leave(this.name),
      left: this.#left,
      giveUp: () => this.#end("held"),
    });
    this.#state = { is: "ending", job, drain, done };
  }

  /** A child still has the port open. */
  still(): void {
    if (this.#state.is === "ending") this.#state.drain.still();
  }

  /**
   * The hypervisor says that no process in the guest has the port open any
   * more.
   */
  closed(): void {
    if (this.#state.is === "held") this.#state = { is: "idle" };
  }

  /** The guest's shell is gone. */
  lose(): void {
    this.#end("absent");
    this.#state = { is: "absent" };
  }

  /** Closes the host's end. */
  close(): void {
    this.#stream.close();
  }

  #hearBytes(bytes: Uint8Array): void {
    if (this.#state.is === "ending") this.#state.drain.stir();
    // An idle port's bytes are those of a child that was left behind.
    if ("job" in this.#state) this.#state.job.stderr(bytes);
  }

  #hearCode({ is }: Code): void {
    if (is !== "end") return;
    // The child may release it just when the wait is given up.
    if (this.#state.is === "held") this.#state = { is: "idle" };
    else this.#end("idle");
  }

  #end(is: "idle" | "held" | "absent"): void {
    if (this.#state.is !== "ending") return;
    const { drain, done } = this.#state;
    drain.cancel();
    this.#state = { is };
    done();
  }
}

/** Calls `done` when all of a command's stderr is there, if it is separate. */
export function finishStderr(
  port: StderrPort | undefined,
  done: () => void,
): void {
  if (port === undefined) done();
  else port.finish(done);
}
