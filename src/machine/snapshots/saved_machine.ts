import type { SavedCore } from "../core.ts";
import type { Share } from "./shares.ts";

/** A machine's state at one moment. */
export interface SavedMachine extends SavedCore {
  /** The machine's name. */
  readonly name: string;
  /** The driver's own shares that the guest had mounted. */
  readonly shares: readonly Share[];
  /** Bytes of memory that the guest has. */
  readonly memory: number;
}
