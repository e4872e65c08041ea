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

/** A key of a guest's keyboard. */
export interface GuestKey {
  /** `qcode` for a name that QEMU has for keys, `number` for a scan code. */
  type: "qcode" | "number";
  /** The name or the code. */
  data: string | number;
}

/** A keyboard of a guest. */
export interface GuestKeyboard {
  /**
   * Presses the keys of each stroke together, one stroke after the other. Answers
   * when the last key is up.
   *
   * @param pause Seconds after each event, down or up, at least.
   * @param signal Ends it between two strokes.
   * @throws {MachineError} where the guest is paused.
   */
  press(
    strokes: GuestKey[][],
    pause: number,
    signal: AbortSignal,
  ): Promise<void>;
}

/** A screen of a guest. */
export interface GuestScreen {
  /**
   * Takes a picture, as PNG.
   *
   * @param path The absolute path of a file.
   * @throws {MachineError} where none comes.
   */
  takePicture(path: string): Promise<void>;
}

/** Frames on their way, each behind its length: four bytes, the highest first. */
export interface FramePath {
  /** What comes along. */
  readonly from: ByteStream;
  /** Where it is to go on. */
  readonly to: ByteStream;
}

/** The frames of a card on their way by the host. */
export interface Diversion {
  /** What the guest sends. */
  readonly sent: FramePath;
  /** What the guest receives. */
  readonly received: FramePath;
  /**
   * Lets frames go their own way again.
   *
   * @param drain Has go on those frames that came along before, and says how
   * many bytes they were; called when no frame comes along any more.
   */
  remove(drain: () => Promise<number>): Promise<void>;
}

/** Copies of a card's frames, each behind its length as in a {@linkcode FramePath}. */
export interface Mirror {
  /** What the guest has sent. */
  readonly sent: ByteStream;
  /** What the guest has received. */
  readonly received: ByteStream;
  /**
   * Makes no more copies.
   *
   * @param read Awaited when the streams have ended, before they are closed.
   */
  remove(read: () => Promise<void>): Promise<void>;
}

/** A network card of a guest on a VLAN. */
export interface GuestCard {
  /** Its hardware address, as `52:54:00:12:01:01`. */
  readonly address: string;
  /** Plugs its cable in, or pulls it. */
  plug(isIn: boolean): Promise<void>;
  /** Leads all of its frames by the host. */
  divert(): Promise<Diversion>;
  /** Has copies of its frames made, as the guest sends and receives them. */
  mirror(): Promise<Mirror>;
}

/** The network cards of a guest. */
export interface GuestNetwork {
  /** Plugs the cable to the other machines in, or pulls it. */
  plug(isIn: boolean): Promise<void>;
  /**
   * The card on a VLAN, where there is one.
   *
   * @param socketDir The directory of the sockets of the VLAN's switch.
   */
  card(socketDir: string): Promise<GuestCard | undefined>;
  /**
   * Forwards a TCP port of the host to one of the guest.
   *
   * @returns Why that can't be, where it can't.
   */
  forwardPort(hostPort: number, guestPort: number): Promise<string | undefined>;
}

/** Consoles that a guest can have beside those that it has booted with. */
export interface GuestConsoles {
  /** Gives the guest one more `hvc` console. */
  add(): Promise<AddedConsole>;
}

/** What some hypervisors give a guest, and others don't. */
export interface Capabilities {
  /** QEMU's monitor. */
  readonly qmp?: QmpClient;
  /** A keyboard. */
  readonly keyboard?: GuestKeyboard;
  /** A screen. */
  readonly screen?: GuestScreen;
  /** Network cards that the hypervisor has a hold on. */
  readonly network?: GuestNetwork;
  /** Consoles that are added while the guest runs. */
  readonly consoles?: GuestConsoles;
}

/** What a terminal of a guest is at first. */
export interface GuestTerminalOptions {
  /** Lines. */
  rows: number;
  /** Characters of a line. */
  columns: number;
  /** What kind of terminal the host has, as `TERM` has it. */
  term: string;
}

/** A terminal of a guest, with a shell on it. */
export interface AddedTerminal {
  /** What is typed and shown; ends with the shell. */
  readonly stream: ByteStream;
  /** The terminal's device in the guest. */
  readonly device: string;
  /** Settled when the shell has ended. */
  readonly ended: Promise<void>;
  /** Hangs up, which ends the shell. */
  remove(): Promise<void>;
}

/** A running guest. */
export interface Guest extends Capabilities {
  /** The process of the start command. */
  readonly pid: number;
  /** The backdoor console. */
  readonly console: ByteStream;
  /** Ports for commands beside it. */
  readonly ports: ShellPort[];
  /** How that process ended, once it has. */
  readonly status: Promise<Deno.CommandStatus>;
  /** How the guest ended, as a sentence, once it has. */
  readonly ended: Promise<string>;
  /** Types on the serial console. */
  writeSerial(text: string | Uint8Array): Promise<void>;
  /**
   * Why the guest stands still, as a part of a sentence, where the hypervisor
   * knows; nothing while it runs.
   */
  standsStill?(): Promise<string | undefined>;
  /**
   * Opens a terminal in the guest itself, where the host can.
   *
   * @throws {MachineError} where the guest lacks what that takes.
   */
  addTerminal?(options: GuestTerminalOptions): Promise<AddedTerminal>;
  /** Ends the backdoor's shell, where the guest has another one then. */
  hangUp?(): void;
  /** Ends the guest as a power failure does; does not wait. */
  crash(): Promise<void>;
  /** Ends the guest, whatever it does, and waits until it is gone. */
  stop(): Promise<void>;
}

/** How a guest's ssh is found. */
export interface SshPlace {
  /** The machine's name. */
  readonly name: string;
  /** The guest's vsock number, where somebody has said it. */
  readonly index?: number;
  /** The UNIX socket that leads to the guest's virtual socket, where it has one. */
  readonly vsock?: string;
}

/** What there is to know of a hypervisor before it runs anything. */
export interface BackendKind {
  /** The hypervisor, as messages call it. */
  readonly hypervisor: string;
  /** What the log calls a guest of it. */
  readonly guestNoun: string;
  /**
   * Whether guests find a VLAN by an interface of the host, and not by the socket
   * of its switch.
   */
  readonly plugsIntoHost: boolean;
  /** Whether a guest takes a virtual socket that the driver has made for it. */
  readonly takesVsock: boolean;
  /**
   * The machine's name in a start command, where that is one of this backend's by
   * its name.
   */
  machineName(startCommand: string): string | undefined;
  /**
   * The command line that reaches the ssh of a guest.
   *
   * @throws {UsageError} where there is none.
   */
  sshCommand(place: SshPlace): string;
}

/** Starts guests. */
export interface Backend {
  /** What kind it is. */
  readonly kind: BackendKind;
  /**
   * Starts a guest; answers when the hypervisor runs.
   *
   * @throws {MachineError} where it does not come up.
   */
  start(options: StartOptions, listener: GuestListener): Promise<Guest>;
}
