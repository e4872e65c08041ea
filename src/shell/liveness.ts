import { ServerLost } from "./errors.ts";
import type { GuestCalls } from "./guest_calls.ts";
import type { Death } from "./message.ts";
import type { Patience } from "./patience.ts";
import type { Port } from "./port.ts";

/** Seconds between two questions about the server of a long command. */
const LOOK_AFTER = 5;

/** What a {@linkcode Liveness} watches. */
export interface LivenessOptions {
  readonly calls: GuestCalls;
  readonly ports: readonly Port[];
  /** Jobs over the console that the shell was sent. */
  readonly jobs: () => readonly string[];
  /** Called for such a job whose server lives, or with how it has ended. */
  readonly heardOfJob: (id: string, death?: Death) => void;
  readonly patience: Patience;
  /** Called when the shell is dead. */
  readonly lose: (reason: string) => void;
}

/**
 * Finds out whether the servers of commands in the guest live: a killed process
 * reports nothing itself.
 */
export class Liveness {
  readonly #calls: GuestCalls;
  readonly #ports: readonly Port[];
  readonly #jobs: () => readonly string[];
  readonly #heardOfJob: (id: string, death?: Death) => void;
  readonly #patience: Patience;
  readonly #lose: (reason: string) => void;
  /**
   * Takes the answer whether the server of a port or a job lives, and how it
   * ended.
   */
  readonly #asked = new Map<string, (death?: Death) => void>();
  #looking?: ReturnType<typeof setInterval>;

  constructor(options: LivenessOptions) {
    this.#calls = options.calls;
    this.#ports = options.ports;
    this.#jobs = options.jobs;
    this.#heardOfJob = options.heardOfJob;
    this.#patience = options.patience;
    this.#lose = options.lose;
  }

  /** While commands run, asks now and then whether their servers live. */
  lookAfter(): void {
    this.#looking ??= setInterval(() => {
      const busy = this.#ports.filter((port) => port.running);
      const jobs = this.#jobs();
      for (const port of busy) this.#ask(port);
      for (const id of jobs) this.#askOfJob(id);
      if (busy.length + jobs.length === 0) this.stop();
    }, LOOK_AFTER * 1000);
  }

  /**
   * A port was closed in the middle of a command: its server may be gone, or
   * the hypervisor's event may be late. Then the command's end comes, however
   * long the shell takes for its answer.
   */
  closed(port: Port): void {
    const job = port.running;
    const cancel = this.#patience(() => {
      if (port.running !== job) return;
      this.#lose(
        `The guest's shell died in the middle of a command: ${port.name} was ` +
          "closed, and nothing has answered since",
      );
    });
    this.#ask(port, cancel);
  }

  /** The process that served a job was killed: asks how, and fails the job. */
  killed(id: string, fail: (error: ServerLost) => void): void {
    // The answer to an earlier question may come first.
    const hear = (death?: Death) => {
      if (death === undefined) this.#asked.set(id, hear);
      else fail(new ServerLost(death));
    };
    hear();
    this.#calls.howEnded(id);
  }

  /** The guest has answered. */
  heard(name: string, death?: Death): void {
    const answered = this.#asked.get(name);
    this.#asked.delete(name);
    answered?.(death);
  }

  /** The shell is lost: nobody will answer. */
  clear(): void {
    const asked = [...this.#asked.values()];
    for (const answered of asked) answered();
    this.#asked.clear();
  }

  /** Asks no more. */
  stop(): void {
    clearInterval(this.#looking);
    this.#looking = undefined;
  }

  #askOfJob(id: string): void {
    if (this.#asked.has(id)) return;
    this.#asked.set(id, (death) => this.#heardOfJob(id, death));
    this.#calls.alive(id);
  }

  #ask(port: Port, answered: () => void = () => {}): void {
    const job = port.running;
    if (job === undefined) return answered();
    const before = this.#asked.get(port.name);
    this.#asked.set(port.name, (death) => {
      before?.(death);
      answered();
      if (death !== undefined) port.died(job, new ServerLost(death));
    });
    if (before === undefined) this.#calls.alive(port.name);
  }
}
