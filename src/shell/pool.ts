import type { ConsoleWay } from "./console_way.ts";
import type { ShellLost } from "./errors.ts";
import type { Job } from "./job.ts";
import type { Port } from "./port.ts";
import type { StderrPort } from "./stderr_port.ts";

/** Seconds between two tries to serve a port that a child may still hold. */
const PROBE = 1;

/** What a {@linkcode Pool} shares out. */
export interface PoolOptions {
  readonly ports: readonly Port[];
  readonly stderrPorts: readonly StderrPort[];
  /** Runs what no port can run. */
  readonly consoleWay: ConsoleWay;
  /** Called when a port begins to run a command. */
  readonly onBusy: () => void;
}

/** A job that waits for a port. */
interface Waiter {
  readonly job: Job;
  /** Has its signal end the wait no more. */
  readonly leave: () => void;
}

/**
 * Decides which way each command takes: a port that is ready, one that soon will
 * be, or the console. A command never waits for another's end.
 */
export class Pool {
  readonly #ports: Port[];
  readonly #stderrPorts: readonly StderrPort[];
  readonly #consoleWay: ConsoleWay;
  readonly #onBusy: () => void;
  #waiting: Waiter[] = [];
  /** When a port was last tried that a child may still hold. */
  #probed = -Infinity;

  constructor({ ports, stderrPorts, consoleWay, onBusy }: PoolOptions) {
    this.#ports = [...ports];
    this.#stderrPorts = stderrPorts;
    this.#consoleWay = consoleWay;
    this.#onBusy = onBusy;
  }

  /** Readies two: the second is ready while the first gets its next runner. */
  warm(): void {
    const isSoon = ({ is }: Port) => is === "ready" || is === "readying";
    while (this.#ports.filter(isSoon).length < 2 && this.#serveMore());
  }

  /** Runs a job, on a port if it can. */
  run(job: Job): void {
    const port = this.#waiting.length === 0 ? this.#ready() : undefined;
    if (port !== undefined) return this.#runOn(port, job);
    const readying = this.#ports.filter(({ is }) => is === "readying").length;
    if (readying <= this.#waiting.length && !this.#serveMore()) {
      if (readying === 0) return void this.#consoleWay.run(job);
    }
    this.#wait(job);
  }

  /** Hands ready ports to those who wait, and the console where there are none. */
  dispatch(): void {
    while (this.#waiting.length > 0) {
      const port = this.#ready();
      const isReadying = this.#ports.some(({ is }) => is === "readying");
      if (port === undefined && isReadying) return;
      const { job, leave } = this.#waiting.shift()!;
      leave();
      if (port === undefined) this.#consoleWay.run(job);
      else this.#runOn(port, job);
    }
  }

  /** The guest's shell is gone. */
  lose(error: ShellLost): void {
    for (const { job, leave } of this.#waiting.splice(0)) {
      leave();
      job.fail(error);
    }
  }

  #ready(): Port | undefined {
    return this.#ports.find(({ is }) => is === "ready");
  }

  #runOn(port: Port, job: Job): void {
    const isApart = job.options.stderr === "separate";
    const stderr = isApart
      ? this.#stderrPorts.find(({ is }) => is === "idle")
      : undefined;
    if (isApart && stderr === undefined) {
      // Every port for stderr is taken: the console carries both streams.
      this.#consoleWay.run(job);
      return;
    }
    port.run(job, stderr);
    this.#onBusy();
  }

  #wait(job: Job): void {
    const { signal } = job.options;
    const giveUp = () => {
      this.#waiting = this.#waiting.filter((waiter) => waiter.job !== job);
      job.fail(signal!.reason);
    };
    signal?.addEventListener("abort", giveUp, { once: true });
    const leave = () => signal?.removeEventListener("abort", giveUp);
    this.#waiting.push({ job, leave });
  }

  /** Has one more port served; answers whether there was one. */
  #serveMore(): boolean {
    const port = this.#ports.find(({ is }) => is === "idle") ?? this.#probe();
    port?.serve();
    return port !== undefined;
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
    return port;
  }
}
