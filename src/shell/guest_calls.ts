import type { ConsoleLink } from "./console_link.ts";
import { guestSide, sendAnew } from "./guest.ts";

/**
 * What the host asks of the backdoor shell in the guest, each a line on the
 * console. `guest/` has the functions that the lines call.
 */
export class GuestCalls {
  readonly #console: ConsoleLink;
  /** What marks the answers of the guest's side. */
  readonly token: string;
  #numbers: number;

  /**
   * @param console Where the backdoor shell reads.
   * @param saved What it was told before, where it was.
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

  /** The first number that nobody has been given yet. */
  get numbers(): number {
    return this.#numbers;
  }

  /** A number that nothing else in this channel bears. */
  number(): string {
    return String(this.#numbers++);
  }

  /** Sends our side of the guest. */
  tell(): void {
    // The end of something longer that was sent to the shell before this one
    // may come first.
    this.#console.send(`\n${guestSide(this.token)}`);
  }

  /** Sends it once more, to a shell that was no bash and becomes one. */
  tellAnew(): void {
    this.#console.send(sendAnew(this.token));
  }

  /** Asks who reads the console, which every shell answers. */
  askWho(question: string): void {
    // A new shell may have the beginning of something else before it.
    this.#console.send(
      `\necho "${this.token} shell ${question} \${vw_token:-new}"\n`,
    );
  }

  /** Has the guest say which ports it has. */
  find(): void {
    this.#console.send("vw_find\n");
  }

  /** Has a port served, once what the host writes to it begins with the mark. */
  start(port: string, mark: string): void {
    this.#console.send(`vw_start ${port} ${mark}\n`);
  }

  /** As {@linkcode start}, for commands whose stdout is a pipe to the port. */
  pipe(port: string, mark: string): void {
    this.#seldom(`vw_pipe ${port} ${mark}\n`);
  }

  /** Copies a command's pipe no longer, and asks who has it open. */
  unpipe(port: string, relay: number): void {
    this.#seldom(`vw_unpipe ${port} ${relay}\n`);
  }

  /** What the host writes to a port, so that a server knows what is for it. */
  markLine(mark: string): Uint8Array {
    return new TextEncoder().encode(`${this.token} ${mark}\n`);
  }

  /** What the host writes after all that is for a runner that was killed. */
  endLine(runner: number): Uint8Array {
    return new TextEncoder().encode(`\n${this.token} ${runner}\n`);
  }

  /** Has a port served no longer. */
  stop(port: string): void {
    this.#seldom(`vw_stop ${port}\n`);
  }

  /** Asks whether what serves a port lives. */
  alive(port: string): void {
    this.#seldom(`vw_alive ${port}\n`);
  }

  /** Asks how that which served a job has ended. */
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

  /** Has a port's stream end with a code, once nobody else has it open. */
  drain(port: string, code: string): void {
    this.#seldom(`vw_drain ${port} ${code}\n`);
  }

  /** Waits for a port no longer, and asks who has it. */
  leave(port: string): void {
    this.#seldom(`vw_leave ${port}\n`);
  }

  /** Tells the shell which process serves a connection. */
  served(port: string, process: number): void {
    this.#console.send(`vw_pid[${port}]=${process}\n`);
  }

  /** Waits for a connection no longer, and asks who has it. */
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

  /** Sends a command for the backdoor shell itself. */
  type(command: string): Promise<void> {
    return this.#console.send(`${command}\n`);
  }

  /** Calls one of the functions that the shell learns when it needs them. */
  #seldom(call: string): Promise<void> {
    return this.#console.send(`vw_seldom; ${call}`);
  }
}
