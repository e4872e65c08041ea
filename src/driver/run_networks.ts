import { kinds, type Supervisor } from "../backend/mod.ts";
import { MachineError } from "../errors.ts";
import type { Faults } from "../machine/mod.ts";
import { baseName } from "../paths.ts";
import type { Log } from "../report/mod.ts";
import { rejection } from "../time/mod.ts";
import { linkedAmong, type MachineOf } from "./kinds.ts";
import { TapNetwork } from "./tap_network.ts";
import { captureVlan, type OpenCapture, startVlan, type Vlan } from "./vlan.ts";

/** When the frames of all VLANs are kept. */
export type CaptureMode = "always" | "failed";

/** The parts of a run that its networks use. */
export interface LentToNetworks {
  /** The log. */
  readonly log: Log;
  /** Owns the switches' processes. */
  readonly supervisor: Supervisor;
  /** The faults that the test has set. */
  readonly faults: Faults;
  /** Where captures go. */
  readonly outDir: string;
  /** Aborted when the run ends. */
  readonly signal: AbortSignal;
}

/** The networks of a run and of its forks, and what captures their frames. */
export class RunNetworks {
  /** The VLANs of the run itself. */
  readonly vlans: Vlan[] = [];
  /** The interfaces on them, of hypervisors that need some. */
  readonly taps: TapNetwork;
  readonly #lent: LentToNetworks;
  readonly #capture?: CaptureMode;
  readonly #captures: OpenCapture[] = [];

  /** Takes the parts of the run, and whether to capture all frames. */
  constructor(lent: LentToNetworks, capture?: CaptureMode) {
    this.#lent = lent;
    this.#capture = capture;
    this.taps = new TapNetwork(lent.supervisor, () => this.vlans);
  }

  /**
   * Starts the VLANs of the run.
   *
   * @param directory The directory for their sockets.
   * @param machines Gets the machines that may be on them.
   * @throws {MachineError} if one can't be started.
   */
  async start(
    numbers: readonly number[],
    directory: string,
    machines: () => readonly MachineOf[],
  ): Promise<void> {
    if (numbers.length === 0) return;
    const { log, signal } = this.#lent;
    await log.nested("start all VLANs", async () => {
      const starting = Promise.allSettled(
        numbers.map((nr) => this.#start(nr, directory, machines)),
      );
      const started = await Promise.race([starting, rejection(signal)]);
      for (const result of started) {
        if (result.status === "fulfilled") this.vlans.push(result.value);
      }
      for (const result of started) {
        if (result.status === "rejected") throw result.reason;
      }
      for (const vlan of this.vlans) await this.#captureAll(vlan);
      const isHostPlugged = machines().some(({ backend }) =>
        kinds[backend].plugsIntoHost
      );
      if (isHostPlugged) await this.#plugIntoHost();
    });
  }

  /**
   * Starts a VLAN of a fork.
   *
   * @param fork The fork's number, and the directory for the sockets.
   * @param machines Gets the fork's machines.
   * @throws {MachineError} if it can't be started.
   */
  async startInFork(
    nr: number,
    fork: { number: number; directory: string },
    machines: () => readonly MachineOf[],
  ): Promise<Vlan> {
    const vlan = await this.#start(nr, fork.directory, machines);
    await this.#captureAll(vlan, `vlan${nr}~${fork.number}`);
    return vlan;
  }

  #start(
    nr: number,
    directory: string,
    machines: () => readonly MachineOf[],
  ): Promise<Vlan> {
    const { log, supervisor, faults, outDir } = this.#lent;
    return startVlan(nr, directory, supervisor, {
      faults,
      outDir,
      machines: () => linkedAmong(machines()),
      tellOfFile: (path) => log.attachment(baseName(path), { path }),
      complain: (text) => log.warning(text),
    });
  }

  /** Captures all frames of a VLAN, if the run is to do so. */
  async #captureAll(vlan: Vlan, name?: string): Promise<void> {
    if (this.#capture === undefined) return;
    this.#captures.push(await captureVlan(vlan, name));
  }

  /**
   * Makes the VLANs accessible to containers: without this, only QEMU finds
   * them.
   */
  async #plugIntoHost(): Promise<void> {
    for (const vlan of this.vlans) {
      try {
        await vlan.plugIntoHost();
      } catch (error) {
        if (!(error instanceof MachineError)) throw error;
        this.#lent.log.warning(error.message);
      }
    }
  }

  /**
   * Ends what captures frames. Each promise is settled when one file is whole.
   *
   * @param isFailed Whether the run has failed, so that captures are kept.
   */
  endCaptures(isFailed: boolean): Promise<void>[] {
    const isKept = this.#capture === "always" || isFailed;
    return this.#captures.map((capture) => this.#endCapture(capture, isKept));
  }

  async #endCapture(
    { path, stop }: OpenCapture,
    isKept: boolean,
  ): Promise<void> {
    await stop();
    if (isKept) this.#lent.log.attachment(baseName(path), { path });
    else await Deno.remove(path);
  }

  /** Ends the run's VLANs. Each promise is settled when one is gone. */
  end(): Promise<void>[] {
    return this.vlans.map((vlan) => vlan.stop());
  }
}
