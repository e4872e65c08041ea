import { kinds, type Supervisor } from "../backend/mod.ts";
import { MachineError } from "../errors.ts";
import type { Log } from "../report/mod.ts";
import type { MachineOf } from "./kinds.ts";
import { startVhostVsock, type VhostVsock } from "./vhost_vsock.ts";

/** The first number for a guest. The hypervisor and the host have 0 to 2. */
const FIRST_CID = 3;

/** The virtual sockets that lead to the ssh of a run's machines. */
export class SshBackdoors {
  readonly #log: Log;
  readonly #supervisor: Supervisor;
  readonly #sockets = new Map<string, VhostVsock>();

  /** Takes the log, and the owner of all processes. */
  constructor(log: Log, supervisor: Supervisor) {
    this.#log = log;
    this.#supervisor = supervisor;
  }

  /** The sockets, by the machines' names. */
  get sockets(): ReadonlyMap<string, VhostVsock> {
    return this.#sockets;
  }

  /**
   * Makes a socket for each machine that can have one. Where the host can't,
   * this warns.
   *
   * @param directory The directory for the sockets.
   */
  async open(
    machines: readonly MachineOf[],
    directory: string,
  ): Promise<void> {
    const takers = machines.filter(({ backend }) => kinds[backend].takesVsock);
    const opening = takers.map(async ({ name }, index) => {
      this.#sockets.set(
        name,
        await startVhostVsock(FIRST_CID + index, directory, this.#supervisor),
      );
    });
    const complaints = new Set<string>();
    for (const result of await Promise.allSettled(opening)) {
      if (result.status === "fulfilled") continue;
      if (!(result.reason instanceof MachineError)) throw result.reason;
      complaints.add(result.reason.message);
    }
    for (const complaint of complaints) {
      this.#log.warning(`there is no ssh backdoor: ${complaint}`);
    }
  }

  /** Warns of a machine that can have a backdoor and has none. */
  warnOfNone({ name, backend }: MachineOf): void {
    if (!kinds[backend].takesVsock) return;
    this.#log.warning(
      `${name} has no ssh backdoor: only machines that the driver begins with ` +
        "get one",
      { machine: name },
    );
  }

  /** Ends all sockets. Each promise is settled when one is gone. */
  end(): Promise<void>[] {
    return [...this.#sockets.values()].map((socket) => socket.stop());
  }
}
