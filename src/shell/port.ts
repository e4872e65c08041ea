import { Copy } from "./copy.ts";
import { deliver } from "./deliver.ts";
import { Drain } from "./drain.ts";
import { ShellLost } from "./errors.ts";
import type { Job } from "./job.ts";
import type { Code } from "./message.ts";
import {
  atRest,
  type Busy,
  canBegin,
  type Command,
  type Copying,
  type Draining,
  hasLeft,
  type Outlet,
  type PortAtRest,
  type PortState,
  type Readying,
} from "./port_state.ts";
import type { PortSurroundings } from "./port_surroundings.ts";
import { DialledWay, FixedWay, type PortWay } from "./port_way.ts";
import type { PortStream } from "./port_stream.ts";
import { finishStderr, type StderrPort } from "./stderr_port.ts";

/** Why a command is lost if its connection has ended. */
const CONNECTION_ENDED =
  "The connection that carried the command to the guest has ended";

/** A port that carries commands: one at a time, from a runner's `rdy` on. */
export class Port {
  readonly #stream: PortStream;
  readonly #around: PortSurroundings;
  readonly #way: PortWay;
  #now: PortState = { is: "absent" };

  /** Listens to the port from now on. */
  constructor(stream: PortStream, surroundings: PortSurroundings) {
    this.#stream = stream;
    this.#around = surroundings;
    this.#way = stream.dial === undefined
      ? new FixedWay(stream.name, surroundings.calls)
      : new DialledWay(stream, surroundings.calls);
    stream.listen({
      data: (bytes) => this.#hearBytes(bytes),
      code: (code) => this.#hearCode(code),
      taken: () => this.#job?.taken,
      ended: () => this.#connectionEnded(),
    });
  }

  /** The port's name in the guest. */
  get name(): string {
    return this.#stream.name;
  }

  /** Whether it is a connection that the host makes. */
  get isDialled(): boolean {
    return this.#stream.dial !== undefined;
  }

  /** The name of its state. */
  get is(): PortState["is"] {
    return this.#state.is;
  }

  /** The job whose status its server has yet to report. */
  get running(): Job | undefined {
    const { is } = this.#state;
    return is === "busy" || is === "copying" ? this.#job : undefined;
  }

  /** The outlet of its commands, while it is served. */
  get outlet(): Outlet | undefined {
    return "outlet" in this.#state ? this.#state.outlet : undefined;
  }

  get #state(): PortState {
    return this.#now;
  }

  /** A wait for a child ends with the state that it belongs to. */
  set #state(next: PortState) {
    this.#wait?.cancel();
    this.#now = next;
  }

  /** The job whose output its bytes are. */
  get #job(): Job | undefined {
    return "job" in this.#state ? this.#state.job : undefined;
  }

  /** The wait for a child that its command has left behind. */
  get #wait(): Drain | Copy | undefined {
    if (this.#state.is === "draining") return this.#state.drain;
    return this.#state.is === "copying" ? this.#state.copy : undefined;
  }

  /** The guest has the port. */
  found(): void {
    if (this.#state.is === "absent") this.#state = { is: "idle" };
  }

  /** The port's state, for another host that restores the guest. */
  get atRest(): PortAtRest {
    return atRest(this.#state);
  }

  /** Begins with the state that another host has saved. */
  takeUp(state: PortAtRest): void {
    this.#state = state;
  }

  /** Starts a server for the port, with this outlet. */
  serve(outlet: Outlet): void {
    const mark = this.#way.serve(outlet);
    this.#state = mark === undefined
      ? { is: "readying", outlet }
      : { is: "readying", outlet, mark };
  }

  /**
   * A server has opened the port. Sends it the mark after which bytes are for
   * it.
   */
  opened(mark: string): void {
    if (this.#state.is !== "readying" || this.#state.mark !== mark) return;
    const { outlet } = this.#state;
    const readying = this.#state = { is: "readying", outlet };
    this.#stream.write(
      this.#around.calls.markLine(mark),
      () => this.#state === readying,
    ).catch(() => {});
  }

  /**
   * What its server does, as long as that is the same: it starts, or its next
   * runner does. A connection tells by itself that its server has ended.
   */
  get readying(): Readying | undefined {
    if (this.isDialled) return undefined;
    return this.#state.is === "readying" ? this.#state : undefined;
  }

  /** The server of this start has ended before it opened the port. */
  failed(mark: string): void {
    if (this.readying?.mark === mark) this.#free();
  }

  /** Runs a job, with its stderr on another port if one is given. */
  run(job: Job, stderr?: StderrPort): void {
    const { is } = this.#state;
    if (this.#state.is !== "ready") {
      throw new Error(`Expected ${this.name} to be ready, and it is ${is}`);
    }
    const { runner, outlet } = this.#state;
    const isSent = false;
    const busy: Busy = { is: "busy", job, outlet, runner, stderr, isSent };
    this.#state = busy;
    stderr?.begin(job);
    job.watch(
      (signal) => this.#around.calls.signal(runner, signal),
      () => this.#abandon(busy),
    );
    // The rest of a command that ended early has nowhere to go.
    const isDue = () => this.#state === busy && !job.settled && !busy.isKilled;
    deliver(this.#stream, busy, isDue).catch((error) => {
      if (!isDue()) return;
      // The command waits for a stdin that will never come.
      this.#spoil();
      this.#fail(busy, error);
    });
  }

  /** The server of the port has died, and with it the job that it served. */
  died(error: ShellLost): void {
    const state = this.#state;
    if (state.is === "readying") return this.#free();
    if (state.is !== "busy" && state.is !== "copying") return;
    this.#way.lost("abandoned");
    this.#state = { is: "idle" };
    this.#fail(state, error);
  }

  /**
   * The server could not open the port again.
   *
   * @param status That of a command that it has run before.
   */
  lost(status?: number): void {
    switch (this.#state.is) {
      case "busy":
      case "copying":
        if (status !== undefined) this.#drain(this.#state, status);
        break;
      case "readying":
      case "ready":
      case "abandoned":
        this.#state = { is: this.#way.lost("held") };
    }
    this.#around.changed();
  }

  /** A child still has the port open, or the pipe. */
  still(): void {
    // Time in which the caller is too slow to read is no silence.
    if (this.#stream.isHeldUp) this.#wait?.stir();
    this.#wait?.still();
  }

  /**
   * The hypervisor says that no process in the guest has the port open any
   * more.
   */
  closed(): void {
    if (this.#state.is === "held") this.#state = { is: "idle" };
  }

  /** The guest's shell is gone: a command under way fails. */
  lose(error: ShellLost): void {
    const job = this.#job;
    this.#state = { is: "absent" };
    this.#way.lose();
    job?.fail(error);
  }

  /** Closes the host's end. */
  close(): void {
    this.#stream.close();
  }

  /** Nobody serves it any more. */
  #free(): void {
    this.#state = { is: "idle" };
    this.#around.changed();
  }

  #hearBytes(bytes: Uint8Array): void {
    this.#wait?.stir();
    // A held port's bytes are those of a child that was left behind.
    this.#job?.stdout(bytes);
  }

  #hearCode(code: Code): void {
    const state = this.#state;
    switch (code.is) {
      case "ready":
        return this.#runnerWaits(code.runner);
      case "status":
        return this.#hearStatus(code.status);
      case "rest":
        return this.#hearRest(code.relay);
      case "killed":
        return this.#runnerKilled();
      case "served":
        return this.#way.served(code.process);
      case "held":
        return this.lost(code.status);
      case "still":
        return this.still();
      case "unread":
        if (state.is === "busy" || state.is === "copying") {
          state.isUnread = true;
        }
    }
  }

  /** The command has ended, and its pipe is still copied. */
  #hearRest(relay: number): void {
    const state = this.#state;
    if (state.is !== "busy") return;
    const { job } = state;
    const copy = new Copy({
      port: this.name,
      relay,
      command: job.command,
      ...this.#around,
    });
    this.#state = { ...state, is: "copying", copy, canBegin: canBegin(state) };
    job.ended();
  }

  /** Marks the end of the bytes for a killed runner. */
  #runnerKilled(): void {
    const state = this.#state;
    if (!("outlet" in state) || "mark" in state) return;
    const { outlet } = state;
    if (outlet === undefined) return;
    const runner = "runner" in state ? state.runner : 0;
    const line = this.#around.calls.endLine(runner);
    this.#stream.write(line, () => true).catch(() => {});
    if (state.is === "busy" || state.is === "copying") state.isKilled = true;
    if (state.is === "ready") this.#state = { is: "readying", outlet };
    if (state.is === "spoilt") this.#state = { is: "abandoned", outlet };
  }

  #runnerWaits(runner: number): void {
    const state = this.#state;
    if (state.is !== "abandoned" && state.is !== "readying") return;
    // Bytes that the guest wrote before it was lost may come after that.
    if ("mark" in state) return;
    this.#state = { is: "ready", outlet: state.outlet, runner };
    // The rest of this chunk comes first: it may say that the runner was
    // killed.
    queueMicrotask(this.#around.changed);
  }

  #hearStatus(status: number): void {
    const state = this.#state;
    switch (state.is) {
      case "busy":
        if (state.isUnread && canBegin(state)) return this.#rerun(state);
        return this.#end(state, status);
      case "copying":
        if (state.isUnread && state.canBegin) return this.#rerun(state);
        return this.#end(state, status);
      case "draining":
        return this.#end(state, status);
      case "ready":
        // A runner that was killed while it waited has a successor.
        this.#state = { is: "readying", outlet: state.outlet };
        return;
      case "held":
        // The child has released it just when the wait was given up.
        this.#state = { is: "idle" };
    }
  }

  #end(state: Busy | Copying | Draining, status: number): void {
    // The next runner would read the rest as its command.
    if (hasLeft(state, status)) this.#spoil();
    else if (state.is === "draining" && !this.isDialled) {
      this.serve(state.outlet);
    } else this.#state = { is: "readying", outlet: state.outlet };
    finishStderr(state.stderr, () => state.job.end(status));
  }

  /** The connection to the guest has ended, and with it its server. */
  #connectionEnded(): void {
    const state = this.#state;
    if (state.is === "absent") return;
    this.#state = { is: "idle" };
    switch (state.is) {
      case "readying":
        return this.serve(state.outlet);
      case "draining":
        return state.job.end(state.status);
      case "busy":
      case "copying":
        return this.#fail(state, new ShellLost(CONNECTION_ENDED));
    }
  }

  /** Returns a job that its killed runner had not begun. */
  #rerun({ job, outlet, stderr }: Busy | Copying): void {
    this.#state = { is: "readying", outlet };
    stderr?.finish(() => {});
    job.rewind();
    this.#around.again(job);
  }

  /** Waits for the rest of the output of a command that has left a child. */
  #drain(command: Busy | Copying, status: number): void {
    const { job, stderr } = command;
    const drain = new Drain({
      port: this.name,
      code: String(status),
      command: job.command,
      left: this.#around.left,
      drain: (code) => this.#way.drain(code),
      leave: () => this.#way.leave(),
      giveUp: () => {
        this.#state = { is: this.#way.lost("held") };
        finishStderr(stderr, () => job.end(status));
        this.#around.changed();
      },
    });
    this.#state = { ...command, is: "draining", drain, status };
    job.ended();
  }

  /** The command of a job can't be ended. */
  #abandon(busy: Busy): void {
    if (this.#state !== busy) return;
    const { outlet, isKilled } = busy;
    this.#state = isKilled ? { is: "abandoned", outlet } : atRest(busy);
    const { is } = this.#state;
    if (is === "abandoned" || is === "spoilt") {
      if (this.#way.lost(is) === "idle") this.#state = { is: "idle" };
    }
    busy.stderr?.finish(() => {});
  }

  #fail({ job, stderr }: Command, error: unknown): void {
    job.fail(error);
    stderr?.finish(() => {});
  }

  /**
   * Takes the port out of service: it holds bytes that a command did not read.
   */
  #spoil(): void {
    this.#way.stop();
    this.#state = { is: this.#way.lost("spoilt") };
  }
}
