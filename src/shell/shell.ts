import { type ByteStream, isClosedError, writeAll } from "../stream/mod.ts";
import { after, delay, orAbort } from "../time/mod.ts";
import { ConsoleLink, type ConsoleListener } from "./console_link.ts";
import { ShellLost } from "./errors.ts";
import { guestSide, sendAnew } from "./guest.ts";
import { Job, type RunOptions, type RunResult } from "./job.ts";
import { PortReader } from "./port.ts";
import { frameOf, programOf } from "./program.ts";
import { Quiet } from "./quiet.ts";
import { unquote } from "./quoted.ts";

/** A port that leads into the guest, and the name it bears there. */
export interface ShellPort {
  /**
   * The name under `/sys/class/virtio-ports`: `vw.<n>` carries commands,
   * `vw.err.<n>` their stderr where it is wanted apart.
   */
  name: string;
  /** The host's end. */
  stream: ByteStream;
}

/** What a {@linkcode Shell} stands on. */
export interface ShellOptions {
  /** The backdoor console, `/dev/hvc0` in the guest. */
  console: ByteStream;
  /** Ports beside it; none where the guest has only the console. */
  ports?: ShellPort[];
  /** Takes lines that others in the guest wrote to the console. */
  onNoise?: (line: string) => void;
  /** Takes what a user is to know though nothing has failed. */
  onWarning?: (text: string) => void;
}

/** Seconds without an answer after which a shell that may be dead is. */
const NO_ANSWER = 30;
/** Seconds between two questions after those who run a long command. */
const LOOK_AFTER = 5;
/** Seconds in which what a guest wrote before a message arrives for sure. */
const SETTLE = 0.1;
/** Seconds between two tries to serve a port that a child may still hold. */
const PROBE = 1;
/** Characters of a command that a message quotes. */
const QUOTED = 60;

/**
 * A port's life: `absent` until the guest has it, `idle` until it is served,
 * `readying` until a runner waits on it, `ready`, `busy` with a job, `draining`
 * when the command has ended and a child of it holds the port, `held` when that
 * is not waited for any more, `abandoned` when its command can't be ended,
 * `spoilt` for good when a command left a part of itself or of its stdin in it.
 */
type PortState =
  | "absent"
  | "idle"
  | "readying"
  | "ready"
  | "busy"
  | "draining"
  | "held"
  | "abandoned"
  | "spoilt";

interface PortSlot {
  readonly name: string;
  readonly stream: ByteStream;
  readonly reader: PortReader;
  device: string;
  state: PortState;
  /** What is being written to it. */
  writing: Promise<void>;
  /** Where in its stream begins what those who serve it next are to run. */
  mark?: string;
  job?: Job;
  /** Whether the job's command is on its way as a whole. */
  sent?: boolean;
  /** The wait for the rest of what a child of its command writes. */
  quiet?: Quiet;
  /** The process in the guest that waits for a command, or runs it. */
  runner?: number;
  /** The port that carries the job's stderr. */
  stderr?: PortSlot;
  /** How its command ended, while a child of it is waited for. */
  status?: number;
  /** Told when this port's stream of stderr has ended. */
  ended?: () => void;
}

/** How somebody in the guest died. */
interface Death {
  process: string;
  status: number;
}

/** Somebody who waits for a port. */
type Waiter = PromiseWithResolvers<PortSlot | undefined>;

/**
 * The channel for commands into a guest that runs the NixOS test backdoor.
 *
 * Commands travel as data to shells that wait for them, any number at a time,
 * one to a port; where the guest has no ports, or they are all busy, over the
 * console. Each runs as `bash -c 'set -euo pipefail; …'` would run it.
 */
export class Shell implements Disposable {
  readonly #console: ConsoleLink;
  readonly #ports: PortSlot[];
  readonly #errPorts: PortSlot[];
  readonly #token: string;
  readonly #onNoise: (line: string) => void;
  readonly #onWarning: (text: string) => void;
  /** Those who wait for a port; they get none where the console has to do. */
  readonly #waiting: Waiter[] = [];
  /** Jobs that travel over the console, by number. */
  readonly #consoleJobs = new Map<string, Job>();
  /** Commands that left a child behind, by what that still holds. */
  readonly #left = new Map<string, string>();
  /** Names of children that were warned of. */
  readonly #warned = new Set<string>();
  /** Told how those who serve a port ended; nothing where they have not. */
  readonly #asked = new Map<string, (died?: Death) => void>();
  #looking?: ReturnType<typeof setInterval>;
  #nextJob = 0;
  /** When a port was last tried that a child may still hold. */
  #probed = -Infinity;
  #greeted = Promise.withResolvers<void>();
  #found = Promise.withResolvers<void>();
  #up = Promise.withResolvers<void>();
  #connecting?: Promise<void>;
  #connected = false;
  /** Whether the backdoor shell has spoken since it was last lost. */
  #greetedYet = false;
  /** Whether it has been sent our side of the guest. */
  #introduced = false;
  /** Whether it was no bash, and can't become one. */
  #noBash = false;
  /** A greeting that may be another's, until the shell has answered. */
  #doubt?: { question: string; cancel: () => void };
  /** Questions whether the shell is there, and what its answer is to do. */
  readonly #questions = new Map<string, () => void>();
  /** Seconds that the shell took to take our side of the guest in. */
  #pace = 0;
  #closed?: ShellLost;
  /** Aborted when the shell is lost that there is, or is waited for. */
  #life = new AbortController();

  constructor(options: ShellOptions) {
    this.#console = new ConsoleLink(options.console);
    this.#token = `vw${crypto.randomUUID().replaceAll("-", "").slice(0, 22)}`;
    this.#onNoise = options.onNoise ?? (() => {});
    this.#onWarning = options.onWarning ?? (() => {});
    const slots = (options.ports ?? []).map(({ name, stream }): PortSlot => ({
      name,
      stream,
      reader: new PortReader(this.#token),
      device: "",
      state: "absent",
      writing: Promise.resolve(),
    }));
    this.#ports = slots.filter((slot) => !slot.name.startsWith("vw.err."));
    this.#errPorts = slots.filter((slot) => slot.name.startsWith("vw.err."));
    for (const deferred of [this.#greeted, this.#found, this.#up]) {
      deferred.promise.catch(() => {});
    }
    this.#console.read(this.#token, this.#consoleListener());
    for (const slot of slots) this.#listen(slot);
  }

  /** Whether commands can be run right now. */
  get connected(): boolean {
    return this.#connected;
  }

  /** Whether the backdoor shell has spoken, so that it can be asked. */
  get isThere(): boolean {
    return this.#greetedYet && this.#closed === undefined;
  }

  /** Seconds that the shell took when it was last connected to; 0 before. */
  get pace(): number {
    return this.#pace;
  }

  /** Whether the guest has ports, so that a command's stdin may come as it runs. */
  get hasPorts(): boolean {
    return this.#ports.some((port) => port.state !== "absent");
  }

  /**
   * Waits for the backdoor shell and readies it. Calling it again is free, and
   * connects anew after a reboot.
   *
   * @throws {ShellLost} where the guest goes away meanwhile.
   */
  connect(): Promise<void> {
    return this.#connecting ??= this.#connect();
  }

  async #connect(): Promise<void> {
    const { signal: life } = this.#life;
    await this.#greeted.promise;
    life.throwIfAborted();
    this.#introduced = true;
    const began = performance.now();
    // The end of something longer that was sent to the shell before this one
    // may come first.
    this.#console.send(`\n${guestSide(this.#token)}`);
    await this.#up.promise;
    life.throwIfAborted();
    this.#pace = (performance.now() - began) / 1000;
    await this.#found.promise;
    life.throwIfAborted();
    // The devices of ports may follow their console by a moment.
    for (
      let tries = 0;
      tries < 20 && this.#ports.length > 0 &&
      this.#ports.every((port) => port.state === "absent");
      tries++
    ) {
      await delay(0.025, life);
      await this.#find();
      life.throwIfAborted();
    }
    this.#connected = true;
    // Two, so that the second is ready while the first gets its next runner.
    this.#serveMore();
    this.#serveMore();
  }

  async #find(): Promise<void> {
    this.#found = Promise.withResolvers<void>();
    this.#found.promise.catch(() => {});
    this.#console.send("vw_find\n");
    await this.#found.promise;
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
    const { signal: life } = this.#life;
    await orAbort(this.connect(), signal);
    // A shell that came after it knows nothing of ours yet.
    life.throwIfAborted();
    const port = this.#acquire() ?? await this.#wait(signal);
    life.throwIfAborted();
    if (signal?.aborted) {
      this.#giveBack(port);
      throw signal.reason;
    }
    const job = new Job(command, options);
    if (port === undefined) this.#runOverConsole(job);
    else this.#runOnPort(port, job);
    return await job.done;
  }

  /**
   * Hands the backdoor shell a command of its own and does not wait, for what
   * ends the guest.
   */
  async send(command: string): Promise<void> {
    const { signal: life } = this.#life;
    await this.connect();
    life.throwIfAborted();
    await this.#console.send(`${command}\n`);
  }

  /**
   * Has the backdoor shell write a text to its stderr, which is that of every
   * command too: what they wrote before stands before it.
   *
   * @param text ASCII.
   */
  async writeStderr(text: string): Promise<void> {
    await this.send(`printf %b '${escapeForConsole(text)}' >&2`);
  }

  /**
   * Asks the backdoor shell, which has to be there, whether it lives. One that
   * answers only after it was taken for lost is there again.
   *
   * @returns Fulfilled when it has answered.
   */
  answer(): Promise<void> {
    const question = String(this.#nextJob++);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#questions.set(question, resolve);
    this.#console.send(this.#whoAreYou(question));
    return promise;
  }

  /** Says that the guest is gone: all that is under way fails with `reason`. */
  lose(reason: string): void {
    const error = new ShellLost(reason);
    this.#life.abort(error);
    if (this.#closed === undefined) this.#life = new AbortController();
    this.#console.drop();
    this.#connected = this.#greetedYet = this.#introduced = false;
    this.#doubt?.cancel();
    this.#doubt = undefined;
    this.#connecting = undefined;
    for (const deferred of [this.#up, this.#found, this.#greeted]) {
      deferred.reject(error);
    }
    this.#greeted = Promise.withResolvers<void>();
    this.#up = Promise.withResolvers<void>();
    this.#found = Promise.withResolvers<void>();
    for (const deferred of [this.#up, this.#found, this.#greeted]) {
      deferred.promise.catch(() => {});
    }
    for (const slot of [...this.#ports, ...this.#errPorts]) {
      slot.state = "absent";
      slot.ended?.();
      slot.job?.fail(error);
      slot.job =
        slot.stderr =
        slot.ended =
        slot.quiet =
          undefined;
    }
    for (const answer of [...this.#asked.values()]) answer();
    for (const job of this.#consoleJobs.values()) job.fail(error);
    this.#consoleJobs.clear();
    this.#left.clear();
    for (const waiter of this.#waiting.splice(0)) waiter.reject(error);
    if (this.#closed === undefined) return;
    this.#greeted.reject(error);
  }

  /**
   * Says that the guest was reset. Firmware resets too on its way: whoever
   * waits for a shell that has not yet been there, waits on.
   */
  reset(reason: string): void {
    if (this.#greetedYet) this.lose(reason);
  }

  /**
   * Takes the hypervisor's word that the guest closed a port. A child that was
   * left behind holds it no longer. In the middle of a command, the server may be
   * gone; the word comes late at times, so the host asks the guest.
   */
  portClosed(name: string): void {
    const slot = this.#slot(name);
    // The child that held it has ended.
    if (slot?.state === "held") slot.state = "idle";
    if (slot?.state !== "busy" || !this.#ports.includes(slot)) return;
    const noAnswer = setTimeout(
      () => this.lose("The guest's shell died in the middle of a command"),
      NO_ANSWER * 1000,
    );
    this.#ask(slot, () => clearTimeout(noAnswer));
  }

  /** Calls one of the functions that the backdoor shell learns when it needs them. */
  #callSeldom(call: string): Promise<void> {
    return this.#console.send(`vw_seldom; ${call}`);
  }

  /** Asks the guest whether those who serve a busy port live. */
  #ask(slot: PortSlot, answered: () => void = () => {}): void {
    const { job, name } = slot;
    const before = this.#asked.get(name);
    this.#asked.set(name, (died) => {
      before?.(died);
      answered();
      this.#asked.delete(name);
      if (died === undefined || slot.job !== job || slot.state !== "busy") {
        return;
      }
      slot.state = "idle";
      slot.job = undefined;
      job?.fail(serverKilled(died));
    });
    if (before === undefined) this.#callSeldom(`vw_alive ${name}\n`);
  }

  /** While commands run, asks after those who serve them now and then. */
  #lookAfter(): void {
    this.#looking ??= setInterval(() => {
      const busy = this.#ports.filter((port) => port.state === "busy");
      for (const port of busy) this.#ask(port);
      if (busy.length > 0) return;
      clearInterval(this.#looking);
      this.#looking = undefined;
    }, LOOK_AFTER * 1000);
  }

  /** Closes the channel; what is under way fails. */
  close(reason = "The channel to the guest was closed"): void {
    if (this.#closed !== undefined) return;
    this.#closed = new ShellLost(reason);
    clearInterval(this.#looking);
    this.#console.close();
    for (const slot of [...this.#ports, ...this.#errPorts]) {
      try {
        slot.stream.close();
      } catch (error) {
        if (!isClosedError(error)) throw error;
      }
    }
    this.lose(reason);
  }

  /** Closes the channel. */
  [Symbol.dispose](): void {
    this.close();
  }

  #consoleListener(): ConsoleListener {
    return {
      greeting: () => this.#introduced ? this.#askWho() : this.#greet(),
      message: (words) => this.#hear(words),
      noise: (line) => this.#onNoise(line),
      closed: () => this.close("The guest closed its console"),
    };
  }

  #greet(): void {
    this.#greetedYet = true;
    if (this.#noBash) this.#connecting = undefined;
    this.#noBash = false;
    this.#greeted.resolve();
  }

  /**
   * Asks whoever reads the console whether it is the shell that has our side
   * of the guest: anybody can write a greeting. Every shell has an answer.
   */
  #askWho(): void {
    const question = String(this.#nextJob++);
    this.#doubt?.cancel();
    const cancel = after(NO_ANSWER, () => this.#startedAnew());
    this.#doubt = { question, cancel };
    this.#console.send(this.#whoAreYou(question));
  }

  /** A question that every shell answers. */
  #whoAreYou(question: string): string {
    // A new shell may have the beginning of something else before it.
    return `\necho "${this.#token} shell ${question} \${vw_token:-new}"\n`;
  }

  #hearAnswer(question: string): void {
    const answered = this.#questions.get(question)!;
    for (const older of [...this.#questions.keys()]) {
      this.#questions.delete(older);
      if (older === question) break;
    }
    if (!this.#greetedYet) this.#greet();
    answered();
  }

  #startedAnew(): void {
    this.lose("The guest's shell started anew");
    this.#greet();
  }

  #hear([verb, ...words]: string[]): void {
    switch (verb) {
      case "up":
        return this.#up.resolve();
      case "found":
        return this.#found.resolve();
      case "posix":
        this.#console.send(sendAnew(this.#token));
        return;
      case "nobash": {
        const error = new ShellLost(
          "The guest's backdoor shell is not bash, and finds no bash in its " +
            "PATH to run commands with",
        );
        this.lose(error.message);
        // Nothing will change until another shell greets.
        this.#noBash = true;
        this.#connecting = Promise.reject(error);
        this.#connecting.catch(() => {});
        return;
      }
      case "shell":
        if (this.#questions.has(words[0])) return this.#hearAnswer(words[0]);
        if (words[0] !== this.#doubt?.question) return;
        this.#doubt.cancel();
        this.#doubt = undefined;
        if (words[1] === "new") this.#startedAnew();
        return;
      case "port": {
        const slot = this.#slot(words[0]);
        if (slot?.state !== "absent") return;
        slot.device = words[1];
        slot.state = "idle";
        return;
      }
      case "open": {
        const slot = this.#slot(words[0]);
        if (slot?.state !== "readying" || slot.mark !== words[1]) return;
        slot.mark = undefined;
        const line = `${this.#token} ${words[1]}\n`;
        this.#write(
          slot,
          new TextEncoder().encode(line),
          () => slot.state === "readying",
        ).catch(() => {});
        return;
      }
      case "alive": {
        const [name, status, process] = words;
        return this.#asked.get(name)?.(
          status === "served" ? undefined : { process, status: Number(status) },
        );
      }
      case "lost": {
        const slot = this.#slot(words[0]);
        const status = words[1] === undefined ? undefined : Number(words[1]);
        if (slot?.state === "busy" && status !== undefined) {
          return this.#drain(slot, status);
        }
        if (["readying", "ready", "abandoned"].includes(slot?.state ?? "")) {
          slot!.state = "held";
        }
        return this.#dispatch();
      }
      case "holder":
        return this.#warn(words[0], words[1], words.slice(2).join(" "));
      case "data": {
        const job = this.#consoleJobs.get(words[0]);
        const bytes = decodeBase64(words[2]);
        return words[1] === "1" ? job?.stdout(bytes) : job?.stderr(bytes);
      }
      case "text": {
        const job = this.#consoleJobs.get(words[0]);
        const bytes = unquote(words.slice(3).join(" "));
        const nul = new Uint8Array(Number(words[2]));
        for (const part of [bytes, nul]) {
          if (words[1] === "1") job?.stdout(part);
          else job?.stderr(part);
        }
        return;
      }
      case "ended":
        return this.#consoleJobs.get(words[0])?.ended();
      case "still":
        return this.#still(words[0]);
      case "done": {
        const [id, status] = words;
        const job = this.#consoleJobs.get(id);
        if (status !== "killed") {
          this.#consoleJobs.delete(id);
          return job?.end(Number(status));
        }
        this.#asked.set(id, (died) => {
          this.#asked.delete(id);
          this.#consoleJobs.delete(id);
          if (died !== undefined) job?.fail(serverKilled(died));
        });
        this.#callSeldom(`vw_alive ${id} ended\n`);
        return;
      }
    }
  }

  #slot(name: string): PortSlot | undefined {
    return this.#ports.find((slot) => slot.name === name) ??
      this.#errPorts.find((slot) => slot.name === name);
  }

  #listen(slot: PortSlot): void {
    slot.reader.read(slot.stream, {
      data: (bytes) => {
        slot.quiet?.stir();
        // An idle port's bytes are those of a child that was left behind.
        slot.job?.[slot.name.startsWith("vw.err.") ? "stderr" : "stdout"](
          bytes,
        );
      },
      code: (code) => {
        if (code.startsWith("rdy")) {
          // What the guest said before it was lost may come after that.
          const isServed = slot.state === "abandoned" ||
            slot.state === "readying" && slot.mark === undefined;
          if (isServed) {
            slot.runner = Number(code.slice(3));
            slot.state = "ready";
            // Not before the rest of this chunk: it may say that it was killed.
            queueMicrotask(() => this.#dispatch());
          }
        } else if (code === "end") {
          this.#endStderr(slot, "idle");
        } else if (slot.job !== undefined) {
          this.#finish(slot, Number(code));
        } else if (slot.state === "ready") {
          // A runner that was killed while it waited has a successor.
          slot.state = "readying";
        } else if (slot.state === "held") {
          // It was free just when it was waited for no longer.
          slot.state = "idle";
        }
      },
      taken: () => slot.job?.taken,
      closed: () => slot.reader[Symbol.dispose](),
    });
  }

  /** A ready port; while there is none, more of them are readied. */
  #acquire(): PortSlot | undefined {
    if (this.#waiting.length > 0) return undefined;
    return this.#ports.find((port) => port.state === "ready");
  }

  /** Waits for a port; answers none where the console has to do. */
  async #wait(signal?: AbortSignal): Promise<PortSlot | undefined> {
    const readying = this.#ports.filter((p) => p.state === "readying").length;
    if (readying <= this.#waiting.length && !this.#serveMore()) {
      if (readying === 0) return undefined;
    }
    const waiter: Waiter = Promise.withResolvers();
    this.#waiting.push(waiter);
    try {
      return await orAbort(waiter.promise, signal);
    } catch (error) {
      const at = this.#waiting.indexOf(waiter);
      if (at >= 0) this.#waiting.splice(at, 1);
      else waiter.promise.then((port) => this.#giveBack(port), () => {});
      throw error;
    }
  }

  /** Takes a port back that nobody has used. */
  #giveBack(port: PortSlot | undefined): void {
    if (port?.state !== "busy" || port.job !== undefined) return;
    port.state = "ready";
    this.#dispatch();
  }

  /** Hands ready ports to those who wait. */
  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const port = this.#ports.find((port) => port.state === "ready");
      if (port !== undefined) {
        // Taken before the waiter runs, so that nobody else takes it too.
        port.state = "busy";
        this.#waiting.shift()!.resolve(port);
      } else if (this.#ports.some((port) => port.state === "readying")) {
        return;
      } else {
        this.#waiting.shift()!.resolve(undefined);
      }
    }
  }

  /** Has one more port served; answers whether there was one. */
  #serveMore(): boolean {
    let port = this.#ports.find((port) => port.state === "idle");
    const now = performance.now();
    if (port === undefined && now - this.#probed > PROBE * 1000) {
      // Not every hypervisor tells that the child has ended.
      port = this.#ports.find((port) => port.state === "held");
      this.#probed = now;
      if (port !== undefined) {
        // Another one's turn comes next.
        this.#ports.splice(this.#ports.indexOf(port), 1);
        this.#ports.push(port);
      }
    }
    if (port === undefined) return false;
    this.#serve(port);
    return true;
  }

  /** Has a port served. */
  #serve(port: PortSlot): void {
    port.state = "readying";
    port.mark = String(this.#nextJob++);
    this.#console.send(`vw_start ${port.name} ${port.mark}\n`);
  }

  /**
   * Writes to a port after what was written before, if that is still `due`.
   *
   * @throws {ShellLost} where the other end is gone.
   */
  #write(
    port: PortSlot,
    bytes: Uint8Array,
    due: () => boolean,
  ): Promise<void> {
    const written = port.writing.then(async () => {
      if (!due()) return;
      try {
        await writeAll(port.stream, bytes);
      } catch (error) {
        if (!isClosedError(error)) throw error;
        throw this.#closed ?? new ShellLost("The guest's port was closed");
      }
    });
    port.writing = written.catch(() => {});
    return written;
  }

  #runOnPort(port: PortSlot, job: Job): void {
    port.state = "busy";
    port.job = job;
    port.sent = false;
    this.#lookAfter();
    let where: string = job.options.stderr ?? "serial";
    if (where === "separate") {
      const err = this.#errPorts.find((slot) => slot.state === "idle");
      if (err === undefined) {
        // Every port for stderr is taken: the console carries both streams.
        port.state = "ready";
        port.job = undefined;
        this.#dispatch();
        this.#runOverConsole(job);
        return;
      }
      err.state = "busy";
      err.job = job;
      port.stderr = err;
      where = err.device;
    }
    const { runner } = port;
    job.watch(
      (signal) => this.#callSeldom(`vw_signal ${runner} ${signal}\n`),
      () => {
        port.state = port.sent ? "abandoned" : "spoilt";
        port.job = undefined;
      },
    );
    const frame = frameOf(
      programOf(job.command, {
        stderr: where,
        stdin: job.options.stdin !== undefined,
      }),
      runner!,
    );
    // The rest of a command that ended early has nowhere to go.
    const isDue = () => port.job === job && !job.settled;
    (async () => {
      await this.#write(port, frame, isDue);
      if (isDue()) {
        port.sent = true;
        job.options.onSent?.();
      }
      for await (const bytes of job.options.stdin ?? []) {
        if (!isDue()) break;
        await this.#write(port, bytes, isDue);
      }
    })().catch((error) => {
      if (!isDue()) return;
      if (error instanceof ShellLost) return job.fail(error);
      // The command waits for what will never come.
      this.#free(port);
      this.#spoil(port);
      job.fail(error);
    });
  }

  /** Serves a port no longer whose stream holds what a command did not read. */
  #spoil(port: PortSlot): void {
    port.state = "spoilt";
    this.#callSeldom(`vw_stop ${port.name}\n`);
  }

  /** Takes the job from a port; `ended` is called with its stream of stderr. */
  #free(port: PortSlot, ended = () => {}): void {
    const { stderr } = port;
    port.job = port.stderr = undefined;
    if (stderr === undefined) return ended();
    stderr.ended = ended;
    this.#awaitEnd(stderr, "end");
  }

  #finish(port: PortSlot, status: number): void {
    const { job } = port;
    const isServed = port.state === "busy";
    port.quiet = undefined;
    port.state = isServed ? "readying" : "idle";
    // What it left unread would be taken for the next command.
    const unread = job?.over && !port.sent ||
      job?.options.stdin !== undefined && status !== 0;
    if (unread) this.#spoil(port);
    else if (!isServed) this.#serve(port);
    this.#free(port, () => job?.end(status));
  }

  /** Waits for the rest of the output of a command that has left a child. */
  #drain(port: PortSlot, status: number): void {
    port.state = "draining";
    port.status = status;
    port.job?.ended();
    this.#awaitEnd(port, String(status));
  }

  /** Has a port's stream end with a code once nobody holds it any more. */
  #awaitEnd(slot: PortSlot, code: string): void {
    slot.quiet = new Quiet();
    this.#callSeldom(`vw_drain ${slot.name} ${code}\n`);
  }

  /** A child holds what is waited for; gives it up where it has fallen silent. */
  #still(held: string): void {
    const slot = this.#slot(held);
    if (!slot?.quiet?.passed()) return;
    const { quiet } = slot;
    this.#left.set(held, slot.job?.command ?? "");
    this.#callSeldom(`vw_leave ${held}\n`);
    // What it wrote before may still be on its way.
    setTimeout(() => {
      if (slot.quiet === quiet) this.#giveUp(slot);
    }, SETTLE * 1000);
  }

  #giveUp(slot: PortSlot): void {
    if (this.#errPorts.includes(slot)) return this.#endStderr(slot, "held");
    const { job, status } = slot;
    slot.state = "held";
    slot.quiet = undefined;
    this.#free(slot, () => job?.end(status!));
    this.#dispatch();
  }

  #endStderr(slot: PortSlot | undefined, state: PortState): void {
    if (slot?.job === undefined) return;
    const { ended } = slot;
    slot.state = state;
    slot.job = slot.ended = slot.quiet = undefined;
    ended?.();
  }

  /** Warns of a child that a command left behind with its stdout or stderr. */
  #warn(held: string, process: string, name: string): void {
    const command = this.#left.get(held) ??
      this.#consoleJobs.get(held)?.command;
    this.#left.delete(held);
    if (command === undefined || this.#warned.has(name)) return;
    this.#warned.add(name);
    const quoted = command.length > QUOTED
      ? `${command.slice(0, QUOTED)}…`
      : command;
    this.#onWarning(
      `the command \`${quoted}\` has ended and left ${name} (process ` +
        `${process}) behind, which holds its output; what that still writes ` +
        "is not shown",
    );
  }

  async #runOverConsole(job: Job): Promise<void> {
    const id = `c${this.#nextJob++}`;
    const { stderr = "serial" } = job.options;
    const isApart = stderr === "separate";
    const files = isApart ? 2 : 1;
    this.#consoleJobs.set(id, job);
    let { command } = job;
    job.watch(
      (signal) => this.#callSeldom(`vw_kill ${id} ${signal}\n`),
      () => this.#consoleJobs.delete(id),
    );
    if (job.options.stdin !== undefined) {
      try {
        command = await withStdin(command, job.options.stdin);
      } catch (error) {
        this.#consoleJobs.delete(id);
        return job.fail(error);
      }
      // Meanwhile the shell may have been lost, or the time have passed.
      if (job.over) {
        this.#consoleJobs.delete(id);
        return job.end(124);
      }
    }
    const text = escapeForConsole(
      programOf(command, {
        stderr: isApart ? "serial" : stderr,
        stdin: false,
        overConsole: true,
      }),
    );
    await this.#callSeldom(`vw_run ${id} ${files} ${text.length}\n${text}`);
    if (!job.settled) job.options.onSent?.();
  }
}

function serverKilled({ process, status }: Death): ShellLost {
  const how = status > 128
    ? `was killed by signal ${status - 128}`
    : `ended with status ${status}`;
  return new ShellLost(
    `The shell that served the command in the guest (process ${process}, the ` +
      `command's parent) ${how}: by something in the guest, or by its kernel ` +
      "for want of memory",
    process,
  );
}

/**
 * A command that brings its stdin along, in a file: a process substitution
 * takes a /dev/fd, which the guest need not have.
 */
async function withStdin(
  command: string,
  stdin: AsyncIterable<Uint8Array>,
): Promise<string> {
  const lines: string[] = [];
  for await (const bytes of stdin) {
    for (let at = 0; at < bytes.length; at += 57) {
      lines.push(btoa(String.fromCharCode(...bytes.subarray(at, at + 57))));
    }
  }
  return `base64 -d >/tmp/.vw$$ <<'VW_END'\n${lines.join("\n")}\nVW_END\n` +
    `exec </tmp/.vw$$\nrm -f /tmp/.vw$$\n${command}`;
}

/** Ends what `printf %b` prints; with it, a word is no command's name. */
const END_OF_TEXT = "\\c/";

/**
 * The bytes of `text` for `printf %b`, as ASCII that no terminal touches. Where
 * the guest resets in its middle, a shell that knows nothing of ours gets the
 * rest: to that it is a single word, whatever the author wrote, and no command.
 */
function escapeForConsole(text: string): string {
  let escaped = "";
  for (const byte of new TextEncoder().encode(text)) {
    const character = String.fromCharCode(byte);
    escaped += /[\w+,./:-]/.test(character)
      ? character
      : `\\0${byte.toString(8).padStart(3, "0")}`;
  }
  return escaped + END_OF_TEXT;
}

function decodeBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  } catch {
    return new Uint8Array(0);
  }
}
