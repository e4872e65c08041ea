import {
  type Backend,
  type BackendName,
  makeBackend,
  type Supervisor,
  type Taps,
} from "../backend/mod.ts";
import {
  type MachineContext,
  MachineCore,
  type MachineOptions,
} from "../machine/mod.ts";
import type { Conditions } from "./conditions.ts";
import { makers } from "./kinds.ts";
import type { ForkPlace, Member } from "./machine_set.ts";
import type { StandIns } from "./stand_ins.ts";

/** What all machines of a run have in common. */
export interface SharedByMachines
  extends Pick<MachineContext, "log" | "outDir" | "faults" | "deadPatterns"> {
  /** Owns the hypervisors' processes. */
  readonly supervisor: Supervisor;
  /** The conditions that must hold while a machine does something. */
  readonly conditions: Conditions;
  /** Notes which machines a subtest on a fork uses. */
  readonly standIns: StandIns;
}

/** What a machine of a run and one of its forks each have of their own. */
export interface MachinePlace
  extends
    Pick<ForkPlace, "sharedDir" | "vlans">,
    Partial<Pick<ForkPlace, "label">> {
  /** Makes TAPs on the networks. */
  readonly taps?: Taps;
  /** The virtual sockets that lead to machines, by the machines' names. */
  readonly vsocks?: ReadonlyMap<
    string,
    { readonly guest: string; readonly host: string }
  >;
}

/** Makes machines, each with the backend that runs it. */
export class MachineMaker {
  readonly #shared: SharedByMachines;
  readonly #backends = new Map<BackendName, Backend>();

  /** Takes what all machines have in common. */
  constructor(shared: SharedByMachines) {
    this.#shared = shared;
  }

  /** Makes a machine in its place. */
  make(
    options: MachineOptions,
    backend: BackendName,
    place: MachinePlace,
  ): Member {
    const { log, outDir, faults, deadPatterns, conditions, standIns } =
      this.#shared;
    const { label, sharedDir, vlans, taps, vsocks } = place;
    const context: MachineContext = {
      log,
      backend: this.#backend(backend),
      demandStart: () => conditions.throwIfAborted(),
      outDir,
      label,
      sharedDir,
      // The networks may start after the machine is made.
      get env() {
        return Object.fromEntries(
          vlans.map((vlan) => [
            `QEMU_VDE_SOCKET_${vlan.nr}`,
            vlan.socketDir,
          ]),
        );
      },
      taps,
      get vsock() {
        return vsocks?.get(options.name);
      },
      faults,
      deadPatterns,
      watch: (fn) => conditions.watch(fn),
      used: () => {
        // A condition is about the machines that its author had in mind.
        if (conditions.isInCheck) return;
        standIns.note(core.label);
      },
    };
    const core = new MachineCore(options, context);
    return { core, machine: makers[backend](core), backend };
  }

  #backend(name: BackendName): Backend {
    let backend = this.#backends.get(name);
    if (backend === undefined) {
      backend = makeBackend(name, this.#shared.supervisor);
      this.#backends.set(name, backend);
    }
    return backend;
  }
}
