import type { Capabilities, GuestDisk } from "../backend/mod.ts";
import { MachineError } from "../errors.ts";

/**
 * Things that only some hypervisors, or the firmware of their guests, offer.
 */
export type Offer = keyof Capabilities | "firmware";

/** The same, and what only some hypervisors can do with a disk. */
export type Need = Offer | `disk.${keyof GuestDisk}`;

/** The words for these things in messages. */
const WORDS: Record<Need, string> = {
  qmp: "QEMU's monitor",
  keyboard: "a keyboard",
  screen: "a screen",
  network: "a network card that its hypervisor has a hold on",
  forwarding: "a network with ports of the host's",
  consoles: "a console that is added while the guest runs",
  disks: "disks that its hypervisor has a hold on",
  "disk.throttle": "a disk that can be slowed down while the guest runs",
  "disk.fail": "a disk whose requests can be made to fail",
  "disk.detach": "a disk that can be taken out while the guest runs",
  "disk.track": "a disk of which its hypervisor knows what was not flushed",
  writeCaches: "disks of which its hypervisor knows what was not flushed",
  fileSystems: "file systems that are not the host's",
  processors: "processors that its hypervisor has a hold on",
  interrupt: "a button for an interrupt that can't be masked",
  memory: "memory that its hypervisor has a hold on",
  clock: "a clock of its own",
  snapshots: "a state that can be saved",
  firmware: "a firmware of UEFI",
};

/** The machine that lacks something. */
interface Lacking {
  /** The machine's name. */
  readonly name: string;
  /** Its hypervisor. */
  readonly hypervisor: string;
}

/**
 * Makes the error for a method that a machine's hypervisor can't provide.
 *
 * @param what The method, as scripts write it: `screenshot()`.
 * @param need What the method needs.
 */
export function lacking(
  { name, hypervisor }: Lacking,
  what: string,
  need: Need,
): MachineError {
  return new MachineError(
    `${what} needs ${WORDS[need]}, which ${hypervisor} does not give ${name}`,
  );
}

/** The methods that not every kind of machine has, and what each needs. */
const METHODS = {
  sendKey: "keyboard",
  sendChars: "keyboard",
  forwardPort: "forwarding",
  block: "network",
  fillDisk: "fileSystems",
  powerLoss: "writeCaches",
  limitMemory: "memory",
  pause: "processors",
  resume: "processors",
  nmi: "interrupt",
  setClock: "clock",
  skew: "clock",
  unblock: "network",
  sendMonitorCommand: "qmp",
  waitForQmpEvent: "qmp",
  createEfiVars: "firmware",
  readEfiVars: "firmware",
  writeEfiVars: "firmware",
  dumpEfiVars: "firmware",
} as const satisfies Record<string, Offer>;

/** The same for synchronous methods. */
const DIRECT = {
  link: "network",
  disk: "disks",
} as const satisfies Record<string, Offer>;

/** The same for properties. */
const FACTS = {
  qmpClient: "qmp",
  efiVarsPath: "firmware",
} as const satisfies Record<string, Offer>;

/** All names that not every kind of machine has, and what each needs. */
export const SPECIAL: Readonly<Record<Special, Offer>> = {
  ...METHODS,
  ...DIRECT,
  ...FACTS,
};

/** A name that not every kind of machine has. */
export type Special =
  | keyof typeof METHODS
  | keyof typeof DIRECT
  | keyof typeof FACTS;

/**
 * Adds to a prototype methods that throw an error for things that its machines
 * can't do: scripts without a type check may call them. Classes that can do
 * these things override them.
 *
 * @param machineOf Gets the machine of an object.
 */
export function refuseSpecial<T extends object>(
  prototype: T,
  machineOf: (object: T) => Lacking,
): void {
  for (const [name, need] of Object.entries(METHODS)) {
    const value = function (this: T): Promise<never> {
      return Promise.reject(lacking(machineOf(this), `${name}()`, need));
    };
    Object.defineProperty(prototype, name, { configurable: true, value });
  }
  for (const [name, need] of Object.entries(DIRECT)) {
    const value = function (this: T): never {
      throw lacking(machineOf(this), `${name}()`, need);
    };
    Object.defineProperty(prototype, name, { configurable: true, value });
  }
  for (const [name, need] of Object.entries(FACTS)) {
    const get = function (this: T): never {
      throw lacking(machineOf(this), name, need);
    };
    Object.defineProperty(prototype, name, { configurable: true, get });
  }
}
