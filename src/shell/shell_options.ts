import type { ByteStream } from "../stream/mod.ts";
import type { ShellPort } from "./port_stream.ts";
import type { SavedShell } from "./saved_shell.ts";

/** What a shell needs. */
export interface ShellOptions {
  /** The backdoor console, `/dev/hvc0` in the guest. */
  console: ByteStream;
  /** The ports; none if the guest has only the console. */
  ports?: ShellPort[];
  /**
   * What another shell knew of the guest when the guest was saved. The ports
   * must have the same names, and must not carry bytes of the other shell's.
   */
  saved?: SavedShell;
  /** Asks the hypervisor whether the guest is paused. */
  isPaused?: () => Promise<boolean>;
  /** Gets lines that other programs of the guest wrote to the console. */
  onNoise?: (line: string) => void;
  /** Gets warnings for the user. */
  onWarning?: (text: string) => void;
}
