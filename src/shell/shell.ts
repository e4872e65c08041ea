import { orAbort, within } from "../time/mod.ts";
import { Backdoor } from "./backdoor.ts";
import { ConsoleLink } from "./console_link.ts";
import { consoleText } from "./console_text.ts";
import { ConsoleWay } from "./console_way.ts";
import { ShellLost } from "./errors.ts";
import { GuestCalls } from "./guest_calls.ts";
import { Job, type RunOptions, type RunResult } from "./job.ts";
import { LeftBehind } from "./left_behind.ts";
import { Liveness } from "./liveness.ts";
import type { Message } from "./message.ts";
import { patienceWith } from "./patience.ts";
import { Pool } from "./pool.ts";
import { Ports } from "./ports.ts";
import type { ShellOptions } from "./shell_options.ts";
import type { SavedShell } from "./saved_shell.ts";

/** Seconds in which what the ports of a guest that has ended hold is read. */
const LAST = 1;

/**
 * The channel for commands into a guest that runs the NixOS test backdoor.
 *
 * Commands travel as data to shells that wait for them, any number at a time,
 * one to a port. If the guest has no ports, or all are busy, they travel over
 * the console. Each runs as `bash -c 'set -euo pipefail; …'` would run it.
 */
export class Shell implements Disposable {
  readonly #console: ConsoleLink;
  readonly #calls: GuestCalls;
  readonly #backdoor: Backdoor;
  readonly #ports: Ports;
  readonly #pool: Pool;
  readonly #consoleWay: ConsoleWay;
  readonly #liveness: Liveness;
  readonly #left: LeftBehind;
  /** The commands that run, or wait for a way. */
  readonly #running = new Set<{ readonly command: string }>();
  /** Settled when none runs. */
  #idle = Promise.withResolvers<void>();
  /** Whether the shell before the awaited one was declared dead. */
  #hasDied = false;
  readonly #end = new AbortController();
  /** Settled when there is a shell again after {@linkcode leave}. */
  #absence?: Promise<void>;

  /** Listens to the guest from now on. */
  constructor(options: ShellOptions) {
    const { console, ports = [], saved, onNoise, onWarning } = options;
    this.#console = new ConsoleLink(console);
    const calls = this.#calls = new GuestCalls(this.#console, saved);
    const { token } = calls;
    const left = this.#left = new LeftBehind(onWarning ?? (() => {}));
    const lose = (reason: string) => this.lose(reason);
    const patience = patienceWith(options.isPaused);
    this.#ports = new Ports(ports, token, {
      calls,
      left,
      changed: () => this.#pool.dispatch(),
      again: (job) => this.#pool.run(job),
    });
    this.#liveness = new Liveness({
      calls,
      ports: this.#ports.forCommands,
      jobs: () => this.#consoleWay.underWay,
      heardOfJob: (id, death) => this.#consoleWay.heard(id, death),
      patience,
      lose: (reason) => {
        lose(reason);
        this.#hasDied = true;
        // It may have been slow, and not dead.
        this.#backdoor.answer();
      },
    });
    this.#consoleWay = new ConsoleWay({
      calls,
      left,
      liveness: this.#liveness,
      changed: () => this.#pool.dispatch(),
    });
    this.#pool = new Pool({
      ports: this.#ports.forCommands,
      stderrPorts: this.#ports.forStderr,
      consoleWay: this.#consoleWay,
      onBusy: () => this.#liveness.lookAfter(),
    });
    this.#backdoor = new Backdoor({
      calls,
      patience,
      lacksPorts: () => this.#ports.areLacking,
      onReady: () => this.#pool.warm(),
      savedPace: saved?.pace,
      lose,
    });
    if (saved !== undefined) this.#ports.takeUp(saved);
    this.#console.read(token, {
      greeting: () => this.#backdoor.greeted(),
      message: (message) => this.#hear(message),
      noise: onNoise ?? (() => {}),
      closed: () => this.#consoleEnded(),
    });
  }

  /** Whether commands can run now, or could when the guest was saved. */
  get connected(): boolean {
    return this.#backdoor.isReady || this.#absence !== undefined;
  }

  /** Whether the backdoor shell has sent anything, so that it can be asked. */
  get isThere(): boolean {
    return this.#backdoor.isThere;
  }

  /**
   * Whether the guest's shell was declared dead, and neither it nor another has
   * sent anything since. A reset ends that, because the guest boots anew.
   */
  get hasDied(): boolean {
    return this.#hasDied && !this.isThere;
  }

  /** Aborted when the present or awaited backdoor shell is lost. */
  get life(): AbortSignal {
    return this.#backdoor.life;
  }

  /** Seconds that the shell took when it was last connected to; 0 before. */
  get pace(): number {
    return this.#backdoor.pace;
  }

  /**
   * Whether the guest has ports, so that a command can get its stdin while it
   * runs.
   */
  get hasPorts(): boolean {
    return this.#ports.areThere;
  }

  /**
   * Waits for the backdoor shell and readies it. Another call costs nothing,
   * and connects again after a reboot.
   *
   * @throws {ShellLost} if the guest goes away meanwhile.
   */
  connect(): Promise<void> {
    return this.#backdoor.connect();
  }

  /**
   * Runs `command` as `bash -c "set -euo pipefail; $command"` would run it, in
   * a process group of its own and with an empty stdin.
   *
   * @throws {ShellLost} when the guest goes away before the command is done.
   * @throws {TypeError} for a command that holds a NUL byte.
   */
  async run(command: string, options: RunOptions = {}): Promise<RunResult> {
    if (command.includes("\0")) {
      throw new TypeError(
        `Expected a command without NUL bytes, got one at offset ${
          command.indexOf("\0")
        }`,
      );
    }
    const { signal } = options;
    signal?.throwIfAborted();
    if (this.#absence !== undefined) await orAbort(this.#present(), signal);
    const call = { command };
    this.#running.add(call);
    try {
      return await this.#run(command, options);
    } finally {
      this.#running.delete(call);
      if (this.#running.size === 0) this.#idle.resolve();
    }
  }

  async #run(command: string, options: RunOptions): Promise<RunResult> {
    const { signal } = options;
    const { life } = this.#backdoor;
    if (!this.#backdoor.isReady) await orAbort(this.connect(), signal);
    // A later shell does not have the guest's side yet.
    life.throwIfAborted();
    signal?.throwIfAborted();
    const job = new Job(command, options);
    this.#pool.run(job);
    return await job.done;
  }

  /** A command that runs, if any does. */
  get running(): string | undefined {
    const [call] = this.#running;
    return call?.command;
  }

  /**
   * Leaves the guest's shells once no command runs, so that they end. Later
   * commands wait for the next shell, to which this connects after `until`.
   *
   * @param signal Ends the wait for the commands that run.
   */
  async leave(until: Promise<void>, signal: AbortSignal): Promise<void> {
    await orAbort(this.connect(), signal);
    while (this.#running.size > 0) {
      this.#idle = Promise.withResolvers();
      await orAbort(this.#idle.promise, signal);
    }
    const again = orAbort(until, this.#end.signal).then(() => this.connect())
      .finally(() => this.#absence = undefined);
    again.catch(() => {});
    this.#absence = again;
    this.#lose(new ShellLost("The driver has left the guest's shell"));
  }

  async #present(): Promise<void> {
    while (this.#absence !== undefined) await this.#absence;
  }

  /**
   * Gives the backdoor shell itself a command, and does not wait: for commands
   * that end the guest.
   */
  async send(command: string): Promise<void> {
    if (this.#absence !== undefined) await this.#present();
    const { life } = this.#backdoor;
    await this.connect();
    life.throwIfAborted();
    await this.#calls.type(command);
  }

  /**
   * Makes the backdoor shell write a text to its stderr, which commands share:
   * everything that they wrote before comes before the text.
   *
   * @param text ASCII.
   */
  async writeStderr(text: string): Promise<void> {
    await this.send(`printf %b '${consoleText(text)}' >&2`);
  }

  /**
   * Asks the backdoor shell, which must be there, whether it lives. A late
   * answer brings back a shell that was declared lost.
   *
   * @returns Fulfilled when it has answered.
   */
  answer(): Promise<void> {
    return this.#backdoor.answer();
  }

  /**
   * Waits until nothing is in transit between the host and the guest but the
   * output of running commands.
   *
   * @throws {ShellLost} if the guest goes away meanwhile.
   */
  async rest(): Promise<void> {
    const { life } = this.#backdoor;
    await this.connect();
    do await this.#backdoor.answerAtLast(life); while (
      this.#consoleWay.isTaking ||
      this.#ports.forCommands.some(({ is }) => is === "readying")
    );
  }

  /**
   * Sends the guest nothing more until a promise is fulfilled: if a guest is
   * saved in the middle of a text, it never gets the rest.
   */
  hold(until: Promise<void>): void {
    this.#console.hold(until);
    this.#ports.hold(until);
  }

  /**
   * What this shell knows of the guest, for another shell that uses the guest
   * after its restoration to this moment, best a moment of {@linkcode rest}.
   * Only this shell goes on waiting for the running commands.
   */
  save(): SavedShell {
    return {
      token: this.#calls.token,
      numbers: this.#calls.numbers,
      pace: this.pace,
      ...this.#ports.save(),
    };
  }

  /**
   * Reports that the guest is gone: everything pending fails with `reason`.
   *
   * @param cause The error that tells the reason, if there is one.
   */
  lose(reason: string, cause?: Error): void {
    this.#lose(new ShellLost(reason, { cause }));
  }

  /**
   * Reports that the guest was reset. Firmware may reset, too: waits for the
   * first shell go on.
   */
  reset(reason: string): void {
    this.#hasDied = false;
    if (this.isThere) this.lose(reason);
  }

  /**
   * Takes the hypervisor's event that the guest has closed a port. A child that
   * was left behind holds it no longer. In the middle of a command, its server
   * may be gone; the event may also be late, so the host asks the guest.
   */
  portClosed(name: string): void {
    this.#ports.closed(name);
    const port = this.#ports.named(name);
    if (port?.running) this.#liveness.closed(port);
  }

  /** Closes the channel; everything pending fails. */
  close(reason = "The channel to the guest was closed"): void {
    if (this.#end.signal.aborted) return;
    const error = new ShellLost(reason);
    this.#end.abort(error);
    this.#liveness.stop();
    this.#console.close();
    this.#ports.close();
    this.#backdoor.close(error);
    this.#lose(error);
  }

  /** Closes the channel. */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * A guest's console ends with its ports, where the status of a command may
   * wait to be read.
   */
  async #consoleEnded(): Promise<void> {
    if (!this.#end.signal.aborted) await within(LAST, this.#ports.ended());
    this.close("The guest closed its console");
  }

  #lose(error: ShellLost): void {
    this.#hasDied = false;
    this.#console.drop();
    this.#backdoor.lose(error);
    this.#ports.lose(error);
    this.#liveness.clear();
    this.#consoleWay.lose(error);
    this.#left.clear();
    this.#pool.lose(error);
  }

  #hear(message: Message): void {
    switch (message.verb) {
      case "port":
      case "open":
      case "lost":
      case "still":
        return this.#ports.hear(message);
      case "alive":
        if (message.mark !== undefined) return this.#ports.hear(message);
        return this.#liveness.heard(message.name, message.death);
      case "holder":
        return this.#left.named(message.held, message.process, message.program);
      case "output":
        return this.#consoleWay.output(message);
      case "taken":
        return this.#consoleWay.taken(message.job);
      case "ended":
        return this.#consoleWay.ended(message.job);
      case "more":
        return this.#consoleWay.more(message.job, message.process);
      case "done":
        return this.#consoleWay.done(message);
      case "up":
        this.#ports.reachable();
        // falls through
      default:
        return this.#backdoor.hear(message);
    }
  }
}
