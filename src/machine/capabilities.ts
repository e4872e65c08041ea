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
  network: "a network card that the driver controls",
  forwarding: "a network that forwards ports of the host",
  consoles: "a console that is added while the guest runs",
  disks: "disks that the driver controls",
  "disk.throttle": "a disk that can be slowed down while the guest runs",
  "disk.fail": "a disk whose requests can be made to fail",
  "disk.detach": "a disk that can be taken out while the guest runs",
  "disk.track": "a disk whose unflushed writes can be dropped",
  writeCaches: "disks whose unflushed writes can be dropped",
  fileSystems: "file systems of the guest's own",
  processors: "processors that the driver can pause",
  interrupt: "a non-maskable interrupt",
  memory: "memory that the driver can take away",
  clock: "a clock of its own",
  snapshots: "a state that can be saved",
  firmware: "UEFI firmware",
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
