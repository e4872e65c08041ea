import { isHypervisorGone, MachineError } from "../../errors.ts";
import type { BackendKind, StartOptions } from "../backend.ts";
import { demandSame } from "../identity.ts";
import { type SocketDirectory, socketDirectory } from "../socket_directory.ts";
import { StartFailure } from "../start_failure.ts";
import type { Supervisor } from "../supervisor.ts";
import { ApiError } from "./api_client.ts";
import { type Description, readDescription } from "./description.ts";
import { MicroVmDisks } from "./disks.ts";
import type { MicroVmGuest } from "./guest.ts";
import { MicroVmNetwork } from "./network.ts";
import { findProgram, type Program } from "./program.ts";
import { CALL_SUFFIX, HybridVsock } from "./vsock.ts";

/** How a guest is started by one hypervisor. */
export interface Way<Guest extends MicroVmGuest> {
  /** The hypervisor's program. */
  readonly program: Omit<Program, "described">;
  /** The names of the sockets: that of the API and that to the guest. */
  readonly api: string;
  readonly vsock: string;
  /** Starts the hypervisor's process. */
  run(parts: Parts): Promise<Guest>;
  /**
   * Boots the guest, or restores it to a saved state.
   *
   * @param over Aborted when the process has ended.
   * @param demand Called once the version is known, before a guest goes on.
   */
  boot(guest: Guest, over: AbortSignal, demand: () => void): Promise<void>;
}

/** What was made for a guest before its hypervisor runs. */
export interface Parts {
  /** The path of the hypervisor's program. */
  readonly program: string;
  readonly description: Description;
  readonly disks: MicroVmDisks;
  /** The directory of the sockets. */
  readonly place: SocketDirectory;
  readonly vsock: HybridVsock;
  readonly network: MicroVmNetwork;
}

/**
 * Starts a guest from a description. Where that fails, nothing that was made for it
 * is left.
 *
 * @throws {UsageError} if there is no such hypervisor.
 * @throws {MachineError} if the hypervisor ends first, is too old, or refuses a part
 * of the description, or if the guest can't go on from what was saved.
 */
export async function startMicroVm<Guest extends MicroVmGuest>(
  way: Way<Guest>,
  options: StartOptions,
  supervisor: Supervisor,
): Promise<Guest> {
  const { name, stateDir, startCommand, signal, saved } = options;
  const { hypervisor } = way.program;
  const description = readDescription(startCommand, name, hypervisor);
  const program = findProgram({
    ...way.program,
    described: description.program,
  });
  signal?.throwIfAborted();
  const socket = `${way.vsock}${CALL_SUFFIX}`;
  const place = socketDirectory(stateDir, socket.length, supervisor);
  // An earlier start of the machine has left its sockets, and no hypervisor
  // replaces a socket.
  for (const file of [way.api, way.vsock, socket]) {
    await Deno.remove(`${place.path}/${file}`).catch(() => {});
  }
  const vsock = new HybridVsock(`${place.path}/${way.vsock}`);
  const network = new MicroVmNetwork(options);
  let guest: Guest | undefined;
  const stop = () => guest?.crash();
  try {
    guest = await way.run({
      program,
      description,
      disks: new MicroVmDisks(stateDir, saved?.disks),
      place,
      vsock,
      network,
    });
    const started = guest;
    signal?.throwIfAborted();
    signal?.addEventListener("abort", stop);
    const over = new AbortController();
    const died = started.ended.then((how) => {
      const error = new MachineError(how);
      over.abort(error);
      throw error;
    });
    died.catch(() => {});
    const booting = way.boot(started, over.signal, () => {
      if (saved === undefined) return;
      demandSame(saved.identity, started.identity, name);
    });
    await Promise.race([
      booting.catch(async (error) => {
        if (!isHypervisorGone(error)) throw error;
        await died;
      }),
      died.catch(async (how) => {
        // A hypervisor that refuses may end at once: its output tells the
        // reason.
        await booting.catch((why) => {
          if (why instanceof ApiError) throw why;
        });
        throw how;
      }),
    ]);
    return started;
  } catch (error) {
    if (guest === undefined) {
      vsock.close();
      await network.remove();
      await place.remove();
    } else await guest.stop();
    if (signal?.aborted) throw signal.reason;
    if (!(error instanceof MachineError) || error instanceof StartFailure) {
      throw error;
    }
    const what = saved === undefined
      ? "did not start"
      : "can't go on from the snapshot";
    throw new StartFailure(`${name} ${what}: ${error.message}`, {
      cause: error,
    });
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/**
 * Bytes of memory that a guest's description gives it; 0 if it does not say.
 */
export function memoryOf(
  { needs }: BackendKind,
  { startCommand }: StartOptions,
): number {
  return needs?.(startCommand).memory ?? 0;
}
