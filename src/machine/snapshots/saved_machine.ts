import type { SavedCore } from "../core.ts";
import type { Attendant } from "./attendant.ts";
import type { Share } from "./shares.ts";

/** A machine's state at one moment. */
export interface SavedMachine extends SavedCore {
  /** The machine's name. */
  readonly name: string;
  /** The driver's own shares that the guest had mounted. */
  readonly shares: readonly Share[];
  /** The process of the driver's that waits in the guest, if there is one. */
  readonly attendant?: Attendant;
  /** Bytes of memory that the guest has. */
  readonly memory: number;
}
