import type { ByteStream } from "../stream/mod.ts";
import type { ShellPort } from "./port_stream.ts";
import type { SavedShell } from "./saved_shell.ts";

/** What a shell stands on. */
export interface ShellOptions {
  /** The backdoor console, `/dev/hvc0` in the guest. */
  console: ByteStream;
  /** Ports beside it; none where the guest has only the console. */
  ports?: ShellPort[];
  /**
   * What another shell knew of the guest when that was saved. The ports have
   * the same names; nothing that was sent to the other is to come here.
   */
  saved?: SavedShell;
  /** Asks the hypervisor why the guest stands still, if it does. */
  standsStill?: () => Promise<string | undefined>;
  /** Takes lines that others in the guest wrote to the console. */
  onNoise?: (line: string) => void;
  /** Takes what a user is to know though nothing has failed. */
  onWarning?: (text: string) => void;
}
