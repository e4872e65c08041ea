import type { Supervisor } from "../backend/mod.ts";
import { shellQuote } from "../shell/mod.ts";
import { MachineError } from "../errors.ts";
import { delay } from "../time/mod.ts";

/** Seconds between two looks for the interface. There is no event for it. */
const LOOK_INTERVAL = 0.01;

/** The process that connects a VLAN's switch with an interface of the host. */
export class HostPlug {
  readonly #process: Deno.ChildProcess;
  readonly #supervisor: Supervisor;
  readonly #said: Promise<string[]>;

  private constructor(
    process: Deno.ChildProcess,
    supervisor: Supervisor,
    said: Promise<string[]>,
  ) {
    this.#process = process;
    this.#supervisor = supervisor;
    this.#said = said;
  }

  /**
   * Makes the interface. Returns when it exists.
   *
   * @throws {MachineError} if it can't be made, or exists already.
   */
  static async insert(
    nr: number,
    socketDir: string,
    supervisor: Supervisor,
  ): Promise<HostPlug> {
    const name = `vde-tap${nr}`;
    const failed = (why: string) =>
      new MachineError(
        `vlan ${nr} has no interface ${name} on the host, so containers can't ` +
          `reach virtual machines on it: ${why}`,
      );
    if (isThere(name)) throw failed("another run has one of that name");
    const process = supervisor.spawn(
      `exec vde_plug2tap -s ${shellQuote(socketDir)} ${name}`,
    );
    const text = (stream: ReadableStream<Uint8Array>) =>
      new Response(stream).text();
    const said = Promise.all([text(process.stdout), text(process.stderr)]);
    const plug = new HostPlug(process, supervisor, said);
    let ended = false;
    process.status.then(() => ended = true);
    while (!ended && !isThere(name)) {
      await delay(LOOK_INTERVAL);
    }
    if (!ended) return plug;
    await plug.pull();
    throw failed((await said).join("").trim() || "vde_plug2tap said nothing");
  }

  /** The number of the process. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Removes the interface. */
  async pull(): Promise<void> {
    this.#supervisor.kill(this.#process);
    await this.#process.status;
    this.#supervisor.reap(this.#process);
    await this.#process.stdin.close().catch(() => {});
    await this.#said;
  }
}

function isThere(name: string): boolean {
  try {
    Deno.lstatSync(`/sys/class/net/${name}`);
    return true;
  } catch {
    return false;
  }
}
