import { deliver } from "./deliver.ts";
import { Drain } from "./drain.ts";
import type { ShellLost } from "./errors.ts";
import type { GuestCalls } from "./guest_calls.ts";
import type { Job } from "./job.ts";
import type { LeftBehind } from "./left_behind.ts";
import type { Code } from "./message.ts";
import {
  atRest,
  type Busy,
  type PortAtRest,
  type PortState,
} from "./port_state.ts";
import type { PortStream } from "./port_stream.ts";
import type { StderrPort } from "./stderr_port.ts";

/** Where a port stands. */
export interface PortSurroundings {
  readonly calls: GuestCalls;
  readonly left: LeftBehind;
  /** Called when the port can take a command, or can't after all. */
  readonly changed: () => void;
}

/** A port that carries commands: one at a time, from a runner's `rdy` on. */
export class Port {
  readonly #stream: PortStream;
  readonly #calls: GuestCalls;
  readonly #left: LeftBehind;
  readonly #changed: () => void;
  #state: PortState = { is: "absent" };

  /** Listens to the port from now on. */
  constructor(stream: PortStream, { calls, left, changed }: PortSurroundings) {
    this.#stream = stream;
    this.#calls = calls;
    this.#left = left;
    this.#changed = changed;
    stream.listen({
      data: (bytes) => this.#hearBytes(bytes),
      code: (code) => this.#hearCode(code),
      taken: () => this.#job?.taken,
    });
  }

  /** The port's name in the guest. */
  get name(): string {
    return this.#stream.name;
  }

  /** The name of its state. */
  get is(): PortState["is"] {
    return this.#state.is;
  }

  /** The job whose command runs on the port. */
  get running(): Job | undefined {
    return this.#state.is === "busy" ? this.#state.job : undefined;
  }

  /** The job whose output its bytes are. */
  get #job(): Job | undefined {
    return "job" in this.#state ? this.#state.job : undefined;
  }

  /** The guest has the port. */
  found(): void {
    if (this.#state.is === "absent") this.#state = { is: "idle" };
  }

  /** The port's state, for another host that takes the guest up from here. */
  get atRest(): PortAtRest {
    return atRest(this.#state);
  }

  /** Takes the port up as another host left it. */
  takeUp(state: PortAtRest): void {
    this.#state = state;
  }

  /** Has the port served. */
  serve(): void {
    const mark = this.#calls.number();
    this.#state = { is: "readying", mark };
    this.#calls.start(this.name, mark);
  }

  /** A server has opened the port; tells it where what is for it begins. */
  opened(mark: string): void {
    if (this.#state.is !== "readying" || this.#state.mark !== mark) return;
    const readying = this.#state = { is: "readying" };
    this.#stream.write(
      this.#calls.markLine(mark),
      () => this.#state === readying,
    ).catch(() => {});
  }

  /** Runs a job, with its stderr on another port where that is given. */
  run(job: Job, stderr?: StderrPort): void {
    const { is } = this.#state;
    if (this.#state.is !== "ready") {
      throw new Error(`Expected ${this.name} to be ready, and it is ${is}`);
    }
    const { runner } = this.#state;
    const busy: Busy = { is: "busy", job, runner, stderr, isSent: false };
    this.#state = busy;
    stderr?.begin(job);
    job.watch(
      (signal) => this.#calls.signal(runner, signal),
      () => this.#abandon(busy),
    );
    // The rest of a command that ended early has nowhere to go.
    const isDue = () => this.#state === busy && !job.settled;
    const onSent = () => busy.isSent = true;
    deliver(this.#stream, { job, runner, stderr, isDue, onSent }).catch(
      (error) => {
        if (!isDue()) return;
        // The command waits for what will never come.
        this.#spoil();
        this.#fail(busy, error);
      },
    );
  }

  /** What served the port has died, with what it served: `job`. */
  died(job: Job, error: ShellLost): void {
    if (this.#state.is !== "busy" || this.#state.job !== job) return;
    const busy = this.#state;
    this.#state = { is: "idle" };
    this.#fail(busy, error);
  }

  /**
   * The server could not open the port again.
   *
   * @param status That of a command that it has run before.
   */
  lost(status?: number): void {
    switch (this.#state.is) {
      case "busy":
        if (status !== undefined) this.#drain(this.#state, status);
        break;
      case "readying":
      case "ready":
      case "abandoned":
        this.#state = { is: "held" };
    }
    this.#changed();
  }

  /** A child still has the port open. */
  still(): void {
    if (this.#state.is === "draining") this.#state.drain.still();
  }

  /** The hypervisor says that nobody in the guest has the port open any more. */
  closed(): void {
    if (this.#state.is === "held") this.#state = { is: "idle" };
  }

  /** The guest's shell is gone: a command under way fails. */
  lose(error: ShellLost): void {
    const job = this.#job;
    if (this.#state.is === "draining") this.#state.drain.cancel();
    this.#state = { is: "absent" };
    job?.fail(error);
  }

  /** Closes the host's end. */
  close(): void {
    this.#stream.close();
  }

  #hearBytes(bytes: Uint8Array): void {
    if (this.#state.is === "draining") this.#state.drain.stir();
    // A held port's bytes are those of a child that was left behind.
    this.#job?.stdout(bytes);
  }

  #hearCode(code: Code): void {
    if (code.is === "ready") this.#runnerWaits(code.runner);
    else if (code.is === "status") this.#hearStatus(code.status);
  }

  #runnerWaits(runner: number): void {
    const isServed = this.#state.is === "abandoned" ||
      // What the guest said before it was lost may come after that.
      this.#state.is === "readying" && this.#state.mark === undefined;
    if (!isServed) return;
    this.#state = { is: "ready", runner };
    // Not before the rest of this chunk: it may say that the runner was killed.
    queueMicrotask(this.#changed);
  }

  #hearStatus(status: number): void {
    const state = this.#state;
    switch (state.is) {
      case "busy":
        // What it left unread would be taken for the next command.
        if (hasLeft(state, status)) this.#spoil();
        else this.#state = { is: "readying" };
        return this.#end(state.stderr, () => state.job.end(status));
      case "draining":
        if (hasLeft(state, status)) this.#spoil();
        else this.serve();
        state.drain.cancel();
        return this.#end(state.stderr, () => state.job.end(status));
      case "ready":
        // A runner that was killed while it waited has a successor.
        this.#state = { is: "readying" };
        return;
      case "held":
        // It was free just when it was waited for no longer.
        this.#state = { is: "idle" };
    }
  }

  /** Waits for the rest of the output of a command that has left a child. */
  #drain({ job, stderr, isSent }: Busy, status: number): void {
    const drain = new Drain({
      port: this.name,
      code: String(status),
      command: job.command,
      calls: this.#calls,
      left: this.#left,
      giveUp: () => {
        this.#state = { is: "held" };
        this.#end(stderr, () => job.end(status));
        this.#changed();
      },
    });
    this.#state = { is: "draining", job, stderr, isSent, drain };
    job.ended();
  }

  /** The command of a job can't be ended. */
  #abandon(busy: Busy): void {
    if (this.#state !== busy) return;
    this.#state = { is: busy.isSent ? "abandoned" : "spoilt" };
    busy.stderr?.finish(() => {});
  }

  #fail({ job, stderr }: Busy, error: unknown): void {
    job.fail(error);
    stderr?.finish(() => {});
  }

  /** Serves the port no longer: it holds what a command did not read. */
  #spoil(): void {
    this.#state = { is: "spoilt" };
    this.#calls.stop(this.name);
  }

  /** Calls `done` when all of a command's stderr is there. */
  #end(stderr: StderrPort | undefined, done: () => void): void {
    if (stderr === undefined) done();
    else stderr.finish(done);
  }
}

/** Whether a command left unread a part of itself, or of its stdin. */
function hasLeft(
  { job, isSent }: { job: Job; isSent: boolean },
  status: number,
): boolean {
  return job.over && !isSent ||
    job.options.stdin !== undefined && status !== 0;
}
