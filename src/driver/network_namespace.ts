import type { Supervisor } from "../backend/mod.ts";
import { MachineError } from "../errors.ts";
import { LineSplitter } from "../scan/mod.ts";
import { shellQuote } from "../shell/mod.ts";
import serve from "./network_namespace.sh" with { type: "text" };

/** The device that makes TAPs. */
const TUN = "/dev/net/tun";

/** A network namespace, and a shell in it. */
export class NetworkNamespace {
  readonly #process: Deno.ChildProcess;
  readonly #supervisor: Supervisor;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #said: Promise<string>;
  readonly #lines: AsyncGenerator<string>;
  #last: Promise<unknown> = Promise.resolve();
  #lastAlone: Promise<unknown> = Promise.resolve();

  private constructor(process: Deno.ChildProcess, supervisor: Supervisor) {
    this.#process = process;
    this.#supervisor = supervisor;
    this.#stdin = process.stdin.getWriter();
    this.#said = new Response(process.stderr).text();
    this.#lines = linesOf(process.stdout);
  }

  /**
   * Makes one, with no interface but a loopback.
   *
   * @throws {MachineError} if the host allows none, or has no TAPs.
   */
  static async open(supervisor: Supervisor): Promise<NetworkNamespace> {
    const failed = (why: string) =>
      new MachineError(`there are no networks of microVMs: ${why}`);
    try {
      Deno.lstatSync(TUN);
    } catch {
      throw failed(
        `the host has no ${TUN}, by which a microVM is on a network (the ` +
          "module tun makes it; in a sandbox of Nix, extra-sandbox-paths = " +
          `[ "${TUN}" ] does)`,
      );
    }
    const process = supervisor.spawn(
      "exec unshare --user --map-root-user --net -- " +
        `/bin/sh -c ${shellQuote(serve)} vmwright-network 'ip link set lo up'`,
    );
    const namespace = new NetworkNamespace(process, supervisor);
    try {
      await namespace.#answer();
      return namespace;
    } catch (error) {
      await namespace.stop();
      if (!(error instanceof MachineError)) throw error;
      throw failed(error.message);
    }
  }

  /** The words before a command that is to run in it. */
  get enter(): string[] {
    return [
      ..."nsenter --preserve-credentials --user --net --target".split(" "),
      ...[`${this.#process.pid}`, "--"],
    ];
  }

  /**
   * Runs a command of one line in it.
   *
   * @throws {MachineError} if it fails.
   */
  run(command: string): Promise<void> {
    const done = this.#last.then(async () => {
      await this.#stdin.write(new TextEncoder().encode(`${command}\n`))
        .catch(() => {});
      await this.#answer();
    });
    this.#last = done.catch(() => {});
    return done;
  }

  /**
   * Gives `ip` several commands at once, which it carries out one after the
   * other until one fails.
   *
   * @throws {MachineError} if one fails.
   */
  ip(...commands: string[]): Promise<void> {
    const lines = commands.map(shellQuote).join(" ");
    return this.run(`printf '%s\\n' ${lines} | ip -batch -`);
  }

  /** How many frames an interface in it has got from its other end. */
  received(name: string): number {
    const path = `/proc/${this.#process.pid}/net/dev`;
    for (const line of Deno.readTextFileSync(path).split("\n")) {
      // A name, and the bytes, packets, errors and drops.
      const [found, _, ...counts] = line.trim().split(/[: ]+/);
      if (found === name) {
        return counts.slice(0, 3).reduce((sum, word) => sum + Number(word), 0);
      }
    }
    throw new MachineError(`there is no interface ${name}`);
  }

  /** Calls a function when those that it was given before have returned. */
  alone<T>(fn: () => Promise<T>): Promise<T> {
    const turn = this.#lastAlone.then(fn);
    this.#lastAlone = turn.catch(() => {});
    return turn;
  }

  async #answer(): Promise<void> {
    const { value, done } = await this.#lines.next();
    if (done) {
      throw new MachineError(
        (await this.#said).trim() || "its namespace has ended",
      );
    }
    if (value !== "0") throw new MachineError(value.slice("1 ".length));
  }

  /** Ends it, and all interfaces in it. */
  async stop(): Promise<void> {
    this.#supervisor.kill(this.#process, "SIGKILL");
    await this.#process.status;
    this.#supervisor.reap(this.#process);
    await this.#stdin.close().catch(() => {});
    await this.#lines.return(undefined);
    await this.#said;
  }
}

async function* linesOf(
  pipe: ReadableStream<Uint8Array>,
): AsyncGenerator<string> {
  using lines = new LineSplitter();
  for await (const chunk of pipe) yield* lines.push(chunk);
}
