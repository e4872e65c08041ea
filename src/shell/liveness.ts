import { ServerLost } from "./errors.ts";
import type { GuestCalls } from "./guest_calls.ts";
import type { Death } from "./message.ts";
import type { Patience } from "./patience.ts";
import type { Port } from "./port.ts";
import type { Readying } from "./port_state.ts";

/** Seconds between two questions about the server of a long command. */
const LOOK_AFTER = 5;

/** The status where the guest's shell does not know how a server has ended. */
const UNKNOWN = 127;

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
  /** How often each server that readies its port was found at that. */
  #readying = new Map<Readying, number>();
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
   * While commands run or wait, or servers ready their ports, asks now and then
   * whether the servers live.
   */
  lookAfter(): void {
    this.#looking ??= setInterval(() => {
      const busy = this.#ports.filter((port) => port.running);
      const jobs = this.#jobs();
      this.#askAgain();
      for (const port of busy) if (!this.#asked.has(port.name)) this.#ask(port);
      for (const id of jobs) this.#askOfJob(id);
      this.#askOfReadying();
      if (busy.length + jobs.length + this.#readying.size === 0) this.stop();
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

  /** Asks about servers whose ports should have been ready for long. */
  #askOfReadying(): void {
    const before = this.#readying;
    this.#readying = new Map();
    for (const port of this.#ports) {
      const { name, readying } = port;
      if (readying === undefined) continue;
      const looks = before.get(readying) ?? 0;
      this.#readying.set(readying, looks + 1);
      if (!Number.isInteger(Math.log2(looks))) continue;
      if (readying.mark === undefined) this.#ask(port);
      else this.#calls.begun(name, readying.mark);
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
    const task = taskOf(port);
    if (task === undefined) return answered();
    const { name } = port;
    const ask = () => void this.#calls.alive(name);
    const isDue = () => taskOf(port) === task;
    const before = this.#asked.get(name);
    // An answer about an earlier command may have been lost.
    const asked = before?.isDue() ? before : undefined;
    const hear = (death?: Death) => {
      asked?.hear(death);
      answered();
      if (death === undefined || !isDue()) return;
      // One that ends by itself has said `lost`, and the console has lost that.
      if (death.status < UNKNOWN && !port.isDialled) port.lost(death.status);
      else port.died(new ServerLost(death));
    };
    this.#asked.set(name, { ask, hear, isDue, looks: asked?.looks ?? 0 });
    if (asked === undefined) ask();
  }
}

/** What the server of a port is asked about. */
function taskOf(port: Port): object | undefined {
  return port.running ?? port.readying;
}
