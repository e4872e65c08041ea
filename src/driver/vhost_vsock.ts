import {
  type SocketDirectory,
  socketDirectory,
  type Supervisor,
} from "../backend/mod.ts";
import { shellQuote } from "../shell/mod.ts";
import { MachineError } from "../errors.ts";
import { delay } from "../time/mod.ts";

const PROGRAM = "vhost-device-vsock";
/** The exit status of a shell that has not found a program. */
const NOT_FOUND = 127;
/** Seconds that the device may take until it listens. */
const PATIENCE = 10;
/** Seconds between two looks whether it listens. */
const PAUSE = 0.01;

/**
 * Starts the device. Returns when QEMU can connect to it.
 *
 * @param cid The guest's number, from 3 up.
 * @param directory Its sockets go into a new directory in this one.
 * @throws {MachineError} if the program is missing or does not start.
 */
export let startVhostVsock: (
  cid: number,
  directory: string,
  supervisor: Supervisor,
) => Promise<VhostVsock>;

/**
 * A virtual socket of a machine, which a process on the host provides. A UNIX
 * socket leads to services of the guest on it, such as ssh. It needs no kernel
 * module and no privilege, so it works in a build sandbox.
 */
export class VhostVsock {
  /** The UNIX socket that QEMU connects to. */
  readonly guest: string;
  /** The UNIX socket that leads to the guest: `ssh vsock-mux/<path>`. */
  readonly host: string;
  readonly #place: SocketDirectory;
  readonly #process: Deno.ChildProcess;
  readonly #supervisor: Supervisor;

  static {
    startVhostVsock = (...given) => VhostVsock.#start(...given);
  }

  private constructor(
    place: SocketDirectory,
    process: Deno.ChildProcess,
    supervisor: Supervisor,
  ) {
    [this.guest, this.host] = socketsIn(place);
    this.#place = place;
    this.#process = process;
    this.#supervisor = supervisor;
  }

  static async #start(
    cid: number,
    directory: string,
    supervisor: Supervisor,
  ): Promise<VhostVsock> {
    const own = supervisor.makeDirectory(directory, "vsock-");
    const place = socketDirectory(own, "guest".length, supervisor);
    const [guest, host] = socketsIn(place);
    const process = supervisor.spawn(
      `command -v ${PROGRAM} > /dev/null || exit ${NOT_FOUND}; ` +
        `exec ${PROGRAM} --guest-cid ${cid} --socket ${shellQuote(guest)} ` +
        `--uds-path ${shellQuote(host)}`,
    );
    process.stdin.close().catch(() => {});
    const said = { text: "", isWanted: true };
    const drain = async (pipe: ReadableStream<Uint8Array>) => {
      const decoder = new TextDecoder();
      for await (const chunk of pipe) {
        if (said.isWanted) said.text += decoder.decode(chunk, { stream: true });
      }
    };
    const drained = Promise.all([drain(process.stdout), drain(process.stderr)]);
    const died = process.status.then(async ({ code }) => {
      await drained;
      throw new MachineError(
        code === NOT_FOUND
          ? `${PROGRAM} is not on PATH`
          : `${PROGRAM} ended with status ${code}: ${
            said.text.trim() || "it said nothing"
          }`,
      );
    });
    died.catch(() => {});
    try {
      const end = performance.now() + PATIENCE * 1000;
      while (true) {
        // Before the look, so that the last one comes after the end.
        const isLate = performance.now() > end;
        if (await isThere(guest)) break;
        if (isLate) {
          throw new MachineError(
            `${PROGRAM} does not listen after ${PATIENCE} seconds`,
          );
        }
        await Promise.race([died, delay(PAUSE)]);
      }
    } catch (error) {
      supervisor.reap(process);
      await drained;
      await place.remove();
      throw error;
    }
    said.isWanted = false;
    return new VhostVsock(place, process, supervisor);
  }

  /** Ends the device, and waits until it is gone. */
  async stop(): Promise<void> {
    this.#supervisor.kill(this.#process);
    await this.#process.status;
    this.#supervisor.reap(this.#process);
    await this.#place.remove();
  }
}

function socketsIn({ path }: SocketDirectory): [guest: string, host: string] {
  return [`${path}/guest`, `${path}/host`];
}

function isThere(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}
