import type { QmpClient } from "../qmp/mod.ts";
import type { ShellPort } from "../shell/mod.ts";
import type { ByteStream } from "../stream/mod.ts";
import type { StartCommand } from "./start_command.ts";

/** What a backend needs to start a guest. */
export interface StartOptions {
  /** The machine's name. */
  name: string;
  /** What starts it. */
  startCommand: StartCommand;
  /** The directory for the machine's own files; the working directory. */
  stateDir: string;
  /** The directory that all machines share with the host. */
  sharedDir: string;
  /** Variables for the start script, such as `QEMU_VDE_SOCKET_1`. */
  env?: Record<string, string>;
  /** The UNIX socket of a vhost-user device that is the guest's virtual socket. */
  vsock?: string;
  /** Whether the guest may reboot, instead of ending at a reset. */
  allowReboot?: boolean;
  /** Ends the start where it has not come to its end. */
  signal?: AbortSignal;
}

/** What a running guest tells while it runs. */
export interface GuestListener {
  /** Bytes of the serial console; valid during the call only. */
  serial(bytes: Uint8Array): void;
  /** The serial console has ended. */
  serialEnd(): void;
  /** A line that the hypervisor or the start script wrote to stderr. */
  complaint(line: string): void;
  /** The guest closed a port of the shell. */
  portClosed(name: string): void;
  /** The guest was reset and boots anew. */
  reset(): void;
  /** The guest's kernel panicked, as its device for that says. */
  panicked(): void;
}

/** A console that was added to a guest while that runs. */
export interface AddedConsole {
  /** The host's end. */
  readonly stream: ByteStream;
  /** Takes it out again: whoever has it as a terminal hangs up. */
  remove(): Promise<void>;
}

/** A running guest. */
export interface Guest {
  /** The process of the start command. */
  readonly pid: number;
  /** The backdoor console. */
  readonly console: ByteStream;
  /** Ports for commands beside it. */
  readonly ports: ShellPort[];
  /** QEMU's monitor, where the hypervisor is QEMU. */
  readonly qmp?: QmpClient;
  /** How that process ended, once it has. */
  readonly status: Promise<Deno.CommandStatus>;
  /** How the guest ended, as a sentence, once it has. */
  readonly ended: Promise<string>;
  /** Types on the serial console. */
  writeSerial(text: string | Uint8Array): Promise<void>;
  /** Gives the guest one more `hvc` console, where the hypervisor can. */
  addConsole?(): Promise<AddedConsole>;
  /** Ends the backdoor's shell, where the guest has another one then. */
  hangUp?(): void;
  /** Ends the guest as a power failure does; does not wait. */
  crash(): Promise<void>;
  /** Ends the guest, whatever it does, and waits until it is gone. */
  stop(): Promise<void>;
}

/** Starts guests. */
export interface Backend {
  /**
   * Starts a guest; answers when the hypervisor runs.
   *
   * @throws {MachineError} where it does not come up.
   */
  start(options: StartOptions, listener: GuestListener): Promise<Guest>;
}
