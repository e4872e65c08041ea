import type { Capabilities } from "../backend/mod.ts";
import { MachineError } from "../errors.ts";

/** What only some hypervisors give, or have their guests boot with. */
export type Need = keyof Capabilities | "firmware";

/** How a sentence says what is needed. */
const WORDS: Record<Need, string> = {
  qmp: "QEMU's monitor",
  keyboard: "a keyboard",
  screen: "a screen",
  network: "a network card of its hypervisor's",
  consoles: "a console that is added while the guest runs",
  processors: "processors that its hypervisor has a hold on",
  clock: "a clock of its own",
  firmware: "a firmware of UEFI",
};

/** Whose machine lacks something. */
interface Lacking {
  /** The machine's name. */
  readonly name: string;
  /** What runs it. */
  readonly hypervisor: string;
}

/**
 * Says that a hypervisor can't do what was asked of its machine.
 *
 * @param what What was asked for, as a script says it: `screenshot()`.
 * @param need What that takes.
 */
export function lacking(
  { name, hypervisor }: Lacking,
  what: string,
  need: Need,
): MachineError {
  return new MachineError(
    `${what} takes ${WORDS[need]}, which ${hypervisor} does not give ${name}`,
  );
}

/** The methods that not every kind of machine has, and what each takes. */
const METHODS = {
  sendKey: "keyboard",
  sendChars: "keyboard",
  screenshot: "screen",
  getScreenText: "screen",
  getScreenTextVariants: "screen",
  waitForText: "screen",
  forwardPort: "network",
  block: "network",
  pause: "processors",
  resume: "processors",
  nmi: "processors",
  setClock: "clock",
  skew: "clock",
  unblock: "network",
  sendMonitorCommand: "qmp",
  waitForQmpEvent: "qmp",
  createEfiVars: "firmware",
  readEfiVars: "firmware",
  writeEfiVars: "firmware",
  dumpEfiVars: "firmware",
} as const satisfies Record<string, Need>;

/** The same of methods that answer at once. */
const DIRECT = {
  link: "network",
} as const satisfies Record<string, Need>;

/** The same of facts. */
const FACTS = {
  qmpClient: "qmp",
  efiVarsPath: "firmware",
} as const satisfies Record<string, Need>;

/** A name that not every kind of machine has. */
export type Special =
  | keyof typeof METHODS
  | keyof typeof DIRECT
  | keyof typeof FACTS;

/**
 * Has a prototype say in a sentence what its machines can't do, for scripts whose
 * types nobody has checked. What a class below it can do hides that.
 *
 * @param machineOf Whose machine one of its objects is.
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
