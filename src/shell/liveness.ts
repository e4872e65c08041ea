import { ServerLost } from "./errors.ts";
import type { GuestCalls } from "./guest_calls.ts";
import type { Death } from "./message.ts";
import type { Patience } from "./patience.ts";
import type { Port } from "./port.ts";

/** Seconds between two questions about the server of a long command. */
const LOOK_AFTER = 5;

/** What the guest was asked, and has not answered. */
interface Question {
  /** Sends it. */
  readonly ask: () => void;
  /** Takes how the server has ended; nothing if it lives. */
  readonly hear: (death?: Death) => void;
  /** Whether the answer still matters. */
  readonly isDue: () => boolean;
  /** How often it was found unanswered. */
  looks: number;
}

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
  /** Whether the server of a port or a job lives, and how it has ended. */
  readonly #asked = new Map<string, Question>();
  /** How often each start was found without news of its server, by its mark. */
  #starts = new Map<string, number>();
  #looking?: ReturnType<typeof setInterval>;

  constructor(options: LivenessOptions) {
    this.#calls = options.calls;
    this.#ports = options.ports;
    this.#jobs = options.jobs;
    this.#heardOfJob = options.heardOfJob;
    this.#patience = options.patience;
    this.#lose = options.lose;
  }

  /**
   * While commands run, or servers start, asks now and then whether the servers
   * live.
   */
  lookAfter(): void {
    this.#looking ??= setInterval(() => {
      const busy = this.#ports.filter((port) => port.running);
      const jobs = this.#jobs();
      this.#askAgain();
      for (const port of busy) if (!this.#asked.has(port.name)) this.#ask(port);
      for (const id of jobs) this.#askOfJob(id);
      this.#askOfStarts();
      if (busy.length + jobs.length + this.#starts.size === 0) this.stop();
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
    const ask = () => void this.#calls.howEnded(id);
    const hear = (death?: Death) => {
      if (death !== undefined) return fail(new ServerLost(death));
      this.#asked.set(id, { ask, hear, isDue: () => true, looks: 0 });
    };
    hear();
    ask();
  }

  /** The guest has answered. */
  heard(name: string, death?: Death): void {
    const question = this.#asked.get(name);
    this.#asked.delete(name);
    question?.hear(death);
  }

  /** The shell is lost: nobody will answer. */
  clear(): void {
    const asked = [...this.#asked.values()];
    for (const { hear } of asked) hear();
    this.#asked.clear();
  }

  /** Asks no more. */
  stop(): void {
    clearInterval(this.#looking);
    this.#looking = undefined;
  }

  /**
   * Asks again what was not answered: the console loses what the guest says
   * while the host is slow to read and others write to the console, too. This
   * asks more and more seldom, since a guest that stands still gets all of it
   * in the end.
   */
  #askAgain(): void {
    for (const [name, question] of this.#asked) {
      if (!question.isDue()) this.#asked.delete(name);
      else if (Number.isInteger(Math.log2(++question.looks))) question.ask();
    }
  }

  /** Asks about servers that have not said for long that they have their ports. */
  #askOfStarts(): void {
    const before = this.#starts;
    this.#starts = new Map();
    for (const { name, starting } of this.#ports) {
      if (starting === undefined) continue;
      const looks = before.get(starting) ?? 0;
      this.#starts.set(starting, looks + 1);
      if (Number.isInteger(Math.log2(looks))) this.#calls.begun(name, starting);
    }
  }

  #askOfJob(id: string): void {
    if (this.#asked.has(id)) return;
    const ask = () => void this.#calls.alive(id);
    const hear = (death?: Death) => this.#heardOfJob(id, death);
    const isDue = () => this.#jobs().includes(id);
    this.#asked.set(id, { ask, hear, isDue, looks: 0 });
    ask();
  }

  #ask(port: Port, answered: () => void = () => {}): void {
    const job = port.running;
    if (job === undefined) return answered();
    const { name } = port;
    const ask = () => void this.#calls.alive(name);
    const isDue = () => port.running === job;
    const before = this.#asked.get(name);
    // An answer about an earlier command may have been lost.
    const asked = before?.isDue() ? before : undefined;
    const hear = (death?: Death) => {
      asked?.hear(death);
      answered();
      if (death !== undefined) port.died(job, new ServerLost(death));
    };
    this.#asked.set(name, { ask, hear, isDue, looks: asked?.looks ?? 0 });
    if (asked === undefined) ask();
  }
}
