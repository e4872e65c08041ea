import { MachineError } from "../../errors.ts";
import type { QmpClient } from "../../qmp/mod.ts";
import type { FixedPort } from "../../shell/mod.ts";
import type {
  Backend,
  Guest,
  GuestListener,
  StartOptions,
} from "../backend.ts";
import type { Supervisor } from "../supervisor.ts";
import { type Adaptation, usual } from "./arguments.ts";
import { placeDisks, settleDisks } from "./disks.ts";
import type { QemuGuest } from "./guest.ts";
import { qemu } from "./kind.ts";
import { type Failure, StartAttempt } from "./start_attempt.ts";
import { adapted, adviceFor } from "./start_failure.ts";

/** Seconds that a start script may take until QEMU has connected. */
const CONNECT_TIMEOUT = 300;

/** How {@linkcode QemuBackend} starts guests. */
export interface QemuBackendOptions {
  /**
   * Seconds that a start script may take until QEMU has connected. It may have
   * to copy images first.
   *
   * @default {300}
   */
  connectTimeout?: number;
}

/** Starts guests by start scripts that run QEMU. */
export class QemuBackend implements Backend {
  readonly kind = qemu;
  readonly #supervisor: Supervisor;
  readonly #connectTimeout: number;
  /** The facts that the driver has found out about start commands. */
  readonly #adaptations = new Map<string, Adaptation>();

  /** Takes the owner of all processes. */
  constructor(supervisor: Supervisor, options: QemuBackendOptions = {}) {
    this.#supervisor = supervisor;
    this.#connectTimeout = options.connectTimeout ?? CONNECT_TIMEOUT;
  }

  /**
   * Starts a guest. Returns when QEMU runs and its sockets are connected. Only
   * QEMU knows what the machine type has. If QEMU reports that it lacks PCI, or
   * that the start script has a serial port on stdio, the driver runs the start
   * command again with other arguments.
   *
   * @throws {MachineError} if QEMU ends first, or does not connect in time, or
   * can't go on from a saved state.
   */
  async start(
    options: StartOptions,
    listener: GuestListener,
  ): Promise<
    Guest & { readonly qmp: QmpClient; readonly ports: FixedPort[] }
  > {
    const { text } = options.startCommand;
    settleDisks(options.stateDir);
    if (options.saved !== undefined) {
      await placeDisks(options.saved.disks, options.stateDir, options.name);
    }
    let adaptation = this.#adaptations.get(text) ?? usual;
    let failure: Failure | undefined;
    while (true) {
      const attempt = await new StartAttempt(
        options,
        listener,
        adaptation,
        this.#supervisor,
        this.#connectTimeout,
      ).run();
      const { guest } = attempt;
      if (guest !== undefined) {
        if (!adaptation.ownSerial || await guest.hasConsole()) {
          this.#adaptations.set(text, adaptation);
          if (options.fastForward) await requireOneProcessor(guest, options);
          return guest;
        }
        // Something else is on stdio, and the guest has no console.
        await guest.stop();
        if (failure === undefined) {
          // An earlier start had a serial port there.
          adaptation = usual;
          continue;
        }
      } else {
        failure = attempt;
      }
      const { how, said } = failure;
      const next = options.signal?.aborted || guest !== undefined
        ? undefined
        : adapted(said, adaptation);
      if (next !== undefined) {
        adaptation = next;
        continue;
      }
      listener.serialEnd();
      const advice = adviceFor(said);
      throw new MachineError(
        `${options.name} did not start: ${how}` +
          (advice === undefined ? "" : `\n${advice}`),
      );
    }
  }
}

/** @throws {MachineError} for a guest of several processors, which has ended then. */
async function requireOneProcessor(
  guest: QemuGuest,
  { name }: StartOptions,
): Promise<void> {
  const count = await guest.processors.count();
  if (count === 1) return;
  await guest.stop();
  throw new MachineError(
    `${name} did not start: fastForward needs a guest of one processor, and the ` +
      `start script gives it ${count}`,
  );
}
