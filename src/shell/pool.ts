import type { ConsoleWay } from "./console_way.ts";
import type { ShellLost } from "./errors.ts";
import type { Job } from "./job.ts";
import { opensStderr, opensStdout } from "./named_streams.ts";
import type { Port } from "./port.ts";
import type { Outlet } from "./port_state.ts";
import type { StderrPort } from "./stderr_port.ts";

/** Seconds between two tries to serve a port that a child may still hold. */
const PROBE = 1;
/**
 * The part of the ports that is for commands that write to a pipe. Of twelve,
 * ten are left for all others; where children hold half of the ports, the rest
 * is for pipes.
 */
const PIPED = 1 / 6;

/** What a {@linkcode Pool} needs. */
export interface PoolOptions {
  readonly ports: readonly Port[];
  readonly stderrPorts: readonly StderrPort[];
  /** Runs what no port can run. */
  readonly consoleWay: ConsoleWay;
  /** Called when a command waits or begins, or a port begins to be served. */
  readonly onBusy: () => void;
}

/** A job that waits for a port. */
interface Waiter {
  readonly job: Job;
  /** The outlets of ports that can run it, the best first. */
  readonly outlets: readonly Outlet[];
  /** Removes the listener of its signal. */
  readonly leave: () => void;
}

/**
 * Decides which way each command takes: a ready port, a port that will be ready
 * soon, or the console, once the shell can take one. No command waits for the end
 * of another.
 *
 * Some ports are for commands that write to a pipe: those that open stdout by
 * its name, and any others if children hold the rest of the ports, or all are
 * busy. No child can hold those ports. A pipe costs a process for each command.
 */
export class Pool {
  readonly #ports: Port[];
  readonly #stderrPorts: readonly StderrPort[];
  readonly #consoleWay: ConsoleWay;
  readonly #onBusy: () => void;
  #waiting: Waiter[] = [];
  /** When a port was last tried that a child may still hold. */
  #probed = -Infinity;
  /** That port. */
  #tried?: Port;

  constructor({ ports, stderrPorts, consoleWay, onBusy }: PoolOptions) {
    this.#ports = [...ports];
    this.#stderrPorts = stderrPorts;
    this.#consoleWay = consoleWay;
    this.#onBusy = onBusy;
  }

  /**
   * Readies two ports: the second is ready while the first gets its next
   * runner.
   */
  warm(): void {
    const isSoon = ({ is }: Port) => is === "ready" || is === "readying";
    while (this.#ports.filter(isSoon).length < 2 && this.#serveMore("port"));
  }

  /** Runs a job, on a port if it can. */
  run(job: Job): void {
    const outlets = outletsFor(job);
    const port = this.#waiting.length === 0 && !this.#lacksStderr(job)
      ? this.#ready(outlets[0])
      : undefined;
    // Most commands find a port, and there is nothing to wait for.
    if (port !== undefined) return this.#runOn(port, job);
    this.#wait(job, outlets);
    this.dispatch();
  }

  /** Gives waiting jobs ready ports, or the console if there will be none. */
  dispatch(): void {
    const staying: Waiter[] = [];
    for (const waiter of [...this.#waiting]) {
      const { job, leave } = waiter;
      const way = this.#wayFor(waiter, staying);
      if (way === "soon") {
        staying.push(waiter);
        continue;
      }
      leave();
      job.unwatch();
      if (way === "console") this.#consoleWay.run(job);
      else this.#runOn(way, job);
    }
  }

  /** The guest's shell is gone. */
  lose(error: ShellLost): void {
    for (const { job, leave } of [...this.#waiting]) {
      leave();
      job.fail(error);
    }
  }

  /**
   * Finds a way for a waiting job, after the jobs before it that go on waiting:
   * the console if there will be no port.
   */
  #wayFor(
    { job, outlets }: Waiter,
    staying: readonly Waiter[],
  ): Port | "console" | "soon" {
    for (const outlet of this.#lacksStderr(job) ? [] : outlets) {
      const port = this.#ready(outlet);
      if (port !== undefined) return port;
      const rivals = staying.filter((waiter) =>
        waiter.outlets.includes(outlet)
      ).length;
      const readying = this.#readying(outlet);
      if (readying > rivals || this.#serveMore(outlet) || readying > 0) {
        return "soon";
      }
    }
    return this.#consoleWay.isTaking ? "soon" : "console";
  }

  /**
   * Whether every port for stderr is taken that a job needs: then the console
   * carries both streams.
   */
  #lacksStderr({ options }: Job): boolean {
    return options.stderr === "separate" && this.#stderrPort === undefined;
  }

  get #stderrPort(): StderrPort | undefined {
    return this.#stderrPorts.find(({ is }) => is === "idle");
  }

  #ready(outlet: Outlet): Port | undefined {
    return this.#ports.find((port) =>
      port.is === "ready" && port.outlet === outlet
    );
  }

  #readying(outlet: Outlet): number {
    return this.#ports.filter((port) =>
      port.is === "readying" && port.outlet === outlet
    ).length;
  }

  #runOn(port: Port, job: Job): void {
    const isApart = job.options.stderr === "separate";
    const { outlet } = port;
    port.run(job, isApart ? this.#stderrPort : undefined);
    this.#onBusy();
    // A job that needs a pipe, or has no other port any more, is tried again
    // later.
    if (outlet === "pipe" && this.#readying(outlet) === 0) {
      if (this.#ready(outlet) === undefined) this.#serveMore(outlet);
    }
  }

  #wait(job: Job, outlets: readonly Outlet[]): void {
    const { signal } = job.options;
    const giveUp = () => {
      leave();
      job.fail(signal!.reason);
    };
    const leave = () => {
      this.#waiting = this.#waiting.filter((waiter) => waiter.job !== job);
      signal?.removeEventListener("abort", giveUp);
    };
    signal?.addEventListener("abort", giveUp);
    job.watchTurn(leave);
    this.#waiting.push({ job, outlets, leave });
    this.#onBusy();
  }

  /**
   * Starts a server for one more port with this outlet, and returns whether
   * there was one.
   */
  #serveMore(outlet: Outlet): boolean {
    const port = this.#mayServe(outlet) &&
        this.#ports.find(({ is }) => is === "idle") || this.#probe();
    if (port === undefined) return false;
    port.serve(outlet);
    this.#onBusy();
    return true;
  }

  /** Whether one more port may have this outlet. */
  #mayServe(outlet: Outlet): boolean {
    const ports = this.#ports.filter(({ is }) => is !== "absent");
    const idle = ports.filter(({ is }) => is === "idle").length;
    const piped = ports.filter((port) => port.outlet === "pipe").length;
    const held =
      ports.filter((port) =>
        port.is === "held" || port === this.#tried && port.is === "readying"
      ).length;
    const kept = Math.floor(ports.length * PIPED);
    const isCrowded = kept > 0 && held >= ports.length / 2;
    if (outlet === "pipe") return isCrowded || piped < kept;
    return !isCrowded && idle + piped > kept;
  }

  /** A port that a child holds, once in a while: not every hypervisor tells that it has ended. */
  #probe(): Port | undefined {
    const now = performance.now();
    if (now - this.#probed <= PROBE * 1000) return undefined;
    this.#probed = now;
    const at = this.#ports.findIndex(({ is }) => is === "held");
    if (at < 0) return undefined;
    // Another one's turn comes next.
    const [port] = this.#ports.splice(at, 1);
    this.#ports.push(port);
    this.#tried = port;
    return port;
  }
}

/** The outlets of ports that can run a job, the best first. */
function outletsFor({ command, options }: Job): readonly Outlet[] {
  const isNamed = opensStdout(command) ||
    options.stderr === "merge" && opensStderr(command);
  return isNamed ? ["pipe"] : ["port", "pipe"];
}
