import type { ConsoleLink } from "./console_link.ts";
import { guestSide, sendAnew } from "./guest.ts";

/**
 * The host's requests to the backdoor shell in the guest, each a line on the
 * console. `guest/` has the functions that the lines call.
 */
export class GuestCalls {
  readonly #console: ConsoleLink;
  /** What marks the answers of the guest's side. */
  readonly token: string;
  #numbers: number;

  /**
   * @param console Where the backdoor shell reads.
   * @param saved What a restored shell was told before it was saved.
   */
  constructor(
    console: ConsoleLink,
    saved: { readonly token: string; readonly numbers: number } = {
      token: `vw${crypto.randomUUID().replaceAll("-", "").slice(0, 22)}`,
      numbers: 0,
    },
  ) {
    this.#console = console;
    this.token = saved.token;
    this.#numbers = saved.numbers;
  }

  /** The first number that is not in use yet. */
  get numbers(): number {
    return this.#numbers;
  }

  /** A number that is unique in this channel. */
  number(): string {
    return String(this.#numbers++);
  }

  /** Sends the guest's side. */
  tell(): void {
    // The end of a longer text for an earlier shell may come first.
    this.#console.send(`\n${guestSide(this.token)}`);
  }

  /**
   * Sends it again: to a shell that is no bash, which this makes one, or to a
   * shell that has not said that it has it.
   */
  tellAnew(): void {
    this.#console.send(sendAnew(this.token));
  }

  /** Asks which shell reads the console. Every shell answers. */
  askWho(question: string): void {
    // A new shell may have read the beginning of another text before.
    this.#console.send(
      `\necho "${this.token} shell ${question} \${vw_token:-new}"\n`,
    );
  }

  /** Asks whether the shell has the guest's side. */
  askUp(): void {
    this.#console.send('\n[ -z "${vw_token-}" ] || echo "$vw_token up"\n');
  }

  /** Makes the guest name its ports. */
  find(): void {
    this.#console.send("vw_find\n");
  }

  /** Starts a server for a port, which drops everything before the mark. */
  start(port: string, mark: string): void {
    this.#console.send(`vw_start ${port} ${mark}\n`);
  }

  /** As {@linkcode start}, for commands whose stdout is a pipe to the port. */
  pipe(port: string, mark: string): void {
    this.#seldom(`vw_pipe ${port} ${mark}\n`);
  }

  /**
   * Ends the copying of a command's pipe, and asks which process has the pipe
   * open.
   */
  unpipe(port: string, relay: number): void {
    this.#seldom(`vw_unpipe ${port} ${relay}\n`);
  }

  /** The line after which a port's bytes are for its present server. */
  markLine(mark: string): Uint8Array {
    return new TextEncoder().encode(`${this.token} ${mark}\n`);
  }

  /** The line that ends the bytes for a killed runner. */
  endLine(runner: number): Uint8Array {
    return new TextEncoder().encode(`\n${this.token} ${runner}\n`);
  }

  /** Ends a port's server. */
  stop(port: string): void {
    this.#seldom(`vw_stop ${port}\n`);
  }

  /** Asks whether a port's server lives. */
  alive(port: string): void {
    this.#seldom(`vw_alive ${port}\n`);
  }

  /** Asks whether the server of a port lives that has yet to say that it opened it. */
  begun(port: string, mark: string): void {
    this.#seldom(`vw_alive ${port} start ${mark}\n`);
  }

  /** Asks how a job's server has ended. */
  howEnded(job: string): void {
    this.#seldom(`vw_alive ${job} ended\n`);
  }

  /** Signals the process group that a runner leads. */
  signal(runner: number, signal: string): void {
    this.#seldom(`vw_signal ${runner} ${signal}\n`);
  }

  /** Signals the process group of a job. */
  kill(job: string, signal: string): void {
    this.#seldom(`vw_kill ${job} ${signal}\n`);
  }

  /**
   * Makes a port's stream end with a code, once no other process has it open.
   */
  drain(port: string, code: string): void {
    this.#seldom(`vw_drain ${port} ${code}\n`);
  }

  /** Gives a port up, and asks which process has it. */
  leave(port: string): void {
    this.#seldom(`vw_leave ${port}\n`);
  }

  /** Tells the shell which process serves a connection. */
  served(port: string, process: number): void {
    this.#console.send(`vw_pid[${port}]=${process}\n`);
  }

  /** Gives a connection up, and asks which process has it. */
  hang(port: string, process: number): void {
    this.#seldom(`vw_hang ${port} ${process}\n`);
  }

  /**
   * Runs a job over the console.
   *
   * @param files How many streams its output has.
   * @param program Its program, as `printf %b` takes it.
   * @returns When it has been sent.
   */
  run(job: string, files: 1 | 2, program: string): Promise<void> {
    return this.#seldom(`vw_run ${job} ${files} ${program.length}\n${program}`);
  }

  /** Gives a process that sends a job's output the leave for some messages. */
  more(process: string, messages: number): void {
    this.#console.send(`vw_more ${process} ${messages}\n`);
  }

  /** Sends a command for the backdoor shell itself. */
  type(command: string): Promise<void> {
    return this.#console.send(`${command}\n`);
  }

  /** Calls one of the functions that the shell learns when it needs them. */
  #seldom(call: string): Promise<void> {
    return this.#console.send(`vw_seldom; ${call}`);
  }
}
