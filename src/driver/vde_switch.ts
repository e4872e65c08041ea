import type { Supervisor } from "../backend/mod.ts";
import { MachineError } from "../errors.ts";

/**
 * A command for vde_switch's management console, and the beginning of every
 * answer. Without a terminal the console has no prompt.
 */
const QUESTION = "version\n", ANSWER = /^1\d{3} /m;

/** A process of `vde_switch`. */
export class VdeSwitch {
  readonly #process: Deno.ChildProcess;
  readonly #supervisor: Supervisor;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #drained: Promise<void>;

  private constructor(
    process: Deno.ChildProcess,
    supervisor: Supervisor,
    stdin: WritableStreamDefaultWriter<Uint8Array>,
    drained: Promise<void>,
  ) {
    this.#process = process;
    this.#supervisor = supervisor;
    this.#stdin = stdin;
    this.#drained = drained;
  }

  /**
   * Starts a switch. Returns when it takes connections.
   *
   * @param command The command that becomes vde_switch.
   * @param who Whose switch it is, as the subject of a message.
   * @throws {MachineError} if vde_switch is missing or does not start.
   */
  static async start(
    command: string,
    who: string,
    supervisor: Supervisor,
  ): Promise<VdeSwitch> {
    const process = supervisor.spawn(`exec ${command}`);
    const said = { text: "" };
    const { promise: ready, resolve } = Promise.withResolvers<void>();
    const drain = async (stream: ReadableStream<Uint8Array>) => {
      const decoder = new TextDecoder();
      for await (const chunk of stream) {
        if (ANSWER.test(said.text)) continue;
        said.text += decoder.decode(chunk, { stream: true });
        if (ANSWER.test(said.text)) resolve();
      }
    };
    const drained = Promise.all([drain(process.stdout), drain(process.stderr)])
      .then(() => {});
    const died = process.status.then(async ({ code }) => {
      await drained;
      throw new MachineError(
        `${who} needs a vde_switch, which ended with status ${code}: ${
          said.text.trim() || "it said nothing"
        }`,
      );
    });
    const stdin = process.stdin.getWriter();
    try {
      // A switch that has died takes no question; `died` tells why it has died.
      stdin.write(new TextEncoder().encode(QUESTION)).catch(() => {});
      await Promise.race([ready, died]);
    } catch (error) {
      supervisor.reap(process);
      await stdin.close().catch(() => {});
      throw error;
    }
    died.catch(() => {});
    return new VdeSwitch(process, supervisor, stdin, drained);
  }

  /** The number of the process. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Stops it, and waits until it is gone. */
  async stop(): Promise<void> {
    // When its console ends, the switch cleans up after itself.
    await this.#stdin.close().catch(() => {});
    this.#supervisor.kill(this.#process);
    await this.#process.status;
    this.#supervisor.reap(this.#process);
    await this.#drained;
  }
}
