import type { QmpClient } from "../qmp/mod.ts";
import type { ShellPort } from "../shell/mod.ts";
import type { ByteStream } from "../stream/mod.ts";
import type { StartCommand } from "./start_command.ts";

/** What a backend needs to start a guest. */
export interface StartOptions {
  /** The machine's name. */
  name: string;
  /** The start command. */
  startCommand: StartCommand;
  /**
   * The directory of the machine's own files, which is the working directory.
   */
  stateDir: string;
  /** The directory that all machines share with the host. */
  sharedDir: string;
  /** Variables for the start script, such as `QEMU_VDE_SOCKET_1`. */
  env?: Record<string, string>;
  /** The UNIX socket of a vhost-user device that is the guest's virtual socket. */
  vsock?: string;
  /** Whether the guest may reboot, instead of ending at a reset. */
  allowReboot?: boolean;
  /** Whether to skip the time for which the guest only waits. */
  fastForward?: boolean;
  /** Makes TAPs on the run's VLANs, for a hypervisor that needs TAPs. */
  taps?: Taps;
  /** Ends a start that is under way. */
  signal?: AbortSignal;
  /**
   * Where the guest goes on from, in place of a boot; it stands still until
   * {@linkcode GuestSnapshots.go}.
   */
  saved?: SavedGuest;
}

/** Makes TAPs on a run's VLANs, in a network namespace of the run's own. */
export interface Taps {
  /**
   * The words that run a command in that namespace: they stand before the
   * command's own.
   */
  enter(): Promise<string[]>;
  /**
   * Makes a TAP on a VLAN.
   *
   * @throws {MachineError} if that can't be.
   */
  add(vlan: number): Promise<Tap>;
}

/** A network interface of the host, for one card of a guest. */
export interface Tap {
  /** Its name, of up to 15 characters. */
  readonly name: string;
  /** The directory of the sockets of its VLAN's switch. */
  readonly socketDir: string;
  /** Plugs its cable in, or unplugs it, without the guest's notice. */
  plug(isIn: boolean): Promise<void>;
  /** Leads all of its frames through the host. */
  divert(): Promise<Diversion>;
  /** Removes it. */
  remove(): Promise<void>;
}

/** A disk of a guest as it was saved. */
export interface SavedDisk {
  /** The image's path below the machine's state directory. */
  readonly path: string;
  /** Its format, as QEMU calls it. */
  readonly format: string;
  /** Bytes of the disk. */
  readonly size: number;
  /** The absolute path of the image that holds it, to which nobody writes. */
  readonly frozen: string;
  /** Whether a guest that goes on gets an overlay of that, or a copy. */
  readonly by: "overlay" | "copy";
}

/** The state of a guest at one moment, from which others like it can go on. */
export interface SavedGuest {
  /**
   * The absolute path of the file or directory with everything that is not on
   * its disks.
   */
  readonly state: string;
  /** The disks that the guest can write to. */
  readonly disks: readonly SavedDisk[];
  /**
   * The properties that a guest must share with the saved one. The keys are
   * their names in messages; they are compared in this order.
   */
  readonly identity: Readonly<Record<string, string>>;
  /** Whether it stood still before it was saved. */
  readonly isPaused: boolean;
  /**
   * The same as in `state`, in two files: many guests go on from them faster, and
   * share what is in the first.
   */
  readonly mapped?: {
    /** The absolute path of the file that is the guest's memory. */
    readonly memory: string;
    /** The absolute path of the file with all that is not in its memory. */
    readonly rest: string;
  };
}

/** Why a guest can't be saved. */
export interface Obstacle {
  /** The reason, as the end of a sentence whose subject is the machine. */
  readonly reason: string;
  /** The tag of a share that is in the way while the guest has it mounted. */
  readonly tag?: string;
  /** The host's directory that is shared so. */
  readonly source?: string;
}

/** What saves a guest, and has it go on. */
export interface GuestSnapshots {
  /**
   * Whether the guest is saved without the connections that carry commands. No
   * command may run then. Afterwards the driver connects again, to the guest
   * and to those that go on from it.
   */
  readonly endsConnections?: boolean;
  /** The reasons why the guest can't be saved right now; none if it can. */
  obstacles(): Promise<Obstacle[]>;
  /**
   * Why the guest and a copy can't run at the same time; nothing if they can.
   */
  rivalry(): Promise<string | undefined>;
  /** Bytes of memory that the guest has. */
  memory(): Promise<number>;
  /** Pauses the guest. */
  pause(): Promise<void>;
  /**
   * Waits until the driver has read all that the guest had written before it
   * was paused.
   *
   * @throws {MachineError} if the driver does not read it in time.
   */
  drained(): Promise<void>;
  /**
   * Saves the guest, which stands still. Its disks go on in overlays.
   *
   * @param directory A directory for the saved state.
   * @throws {MachineError} if that is impossible.
   */
  save(directory: string): Promise<SavedGuest>;
  /** Resumes the guest, unless it was paused before. */
  go(): Promise<void>;
  /**
   * Lays out the saved state so that many guests can go on from it fast. The
   * guest may run meanwhile, and may have ended.
   *
   * @param signal Ends this.
   * @returns The saved state as it is now.
   */
  layOut(saved: SavedGuest, signal: AbortSignal): Promise<SavedGuest>;
}

/** Receives the events of a running guest. */
export interface GuestListener {
  /** Gets bytes of the serial console, which are valid only during the call. */
  serial(bytes: Uint8Array): void;
  /** The serial console has ended. */
  serialEnd(): void;
  /**
   * Gets a line that the hypervisor or the start script has written to stderr.
   */
  complaint(line: string): void;
  /** The guest closed a port of the shell. */
  portClosed(name: string): void;
  /** The guest was reset and boots again. */
  reset(): void;
  /** The guest's kernel panicked, as its panic device reports. */
  panicked(): void;
  /**
   * The guest stands still, and never goes on.
   *
   * @param why What the hypervisor says of it, as a part of a sentence.
   */
  stoppedForGood(why: string): void;
}

/** A console that was added to a running guest. */
export interface AddedConsole {
  /** The host's end. */
  readonly stream: ByteStream;
  /** Removes it, which hangs up the terminal on it. */
  remove(): Promise<void>;
}

/** A key of a guest's keyboard. */
export interface GuestKey {
  /** `qcode` for a name of QEMU, `number` for a scan code. */
  type: "qcode" | "number";
  /** The name or the code. */
  data: string | number;
}

/** A keyboard of a guest. */
export interface GuestKeyboard {
  /**
   * Presses the keys of each stroke together, one stroke after the other.
   * Returns when the last key is up.
   *
   * @param pause Seconds to wait after each stroke, at least.
   * @param signal Ends it between two strokes.
   * @throws {MachineError} if the guest is paused.
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
   * @throws {MachineError} if the hypervisor gives none.
   */
  takePicture(path: string): Promise<void>;
}

/** A stream of frames. Each comes after its length, four bytes, big-endian. */
export interface FramePath {
  /** The frames that come. */
  readonly from: ByteStream;
  /** Where the frames go on. */
  readonly to: ByteStream;
}

/** The frames of a card, which pass the host. */
export interface Diversion {
  /** The frames that the guest sends. */
  readonly sent: FramePath;
  /** The frames that the guest receives. */
  readonly received: FramePath;
  /**
   * Lets frames bypass the host again.
   *
   * @param drain Passes on the frames that came before, and returns how many
   * bytes they were. Called when no more frames come.
   */
  remove(drain: () => Promise<number>): Promise<void>;
}

/** Copies of a card's frames, each behind its length as in a {@linkcode FramePath}. */
export interface Mirror {
  /** The frames that the guest has sent. */
  readonly sent: ByteStream;
  /** The frames that the guest has received. */
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
  /** Plugs its cable in, or unplugs it. */
  plug(isIn: boolean): Promise<void>;
  /** Leads all of its frames through the host. */
  divert(): Promise<Diversion>;
  /**
   * Copies its frames, as the guest sends and receives them. Without this,
   * frames are copied while they are diverted.
   */
  mirror?(): Promise<Mirror>;
}

/** The network cards of a guest. */
export interface GuestNetwork {
  /** Plugs in the cable to the other machines, or unplugs it. */
  plug(isIn: boolean): Promise<void>;
  /**
   * The card on a VLAN, if there is one.
   *
   * @param socketDir The directory of the sockets of the VLAN's switch.
   */
  card(socketDir: string): Promise<GuestCard | undefined>;
  /** Why a guest has no card on a VLAN, as the end of a sentence. */
  lack(vlan: number): string;
}

/** A network between a guest and the host, in which the host has ports. */
export interface GuestForwarding {
  /**
   * Forwards a TCP port of the host to one of the guest.
   *
   * @returns The reason, if that is impossible.
   */
  forward(hostPort: number, guestPort: number): Promise<string | undefined>;
}

/** The limits for a guest's requests to a disk. */
export interface DiskLimits {
  /** Bytes in a second; 0: no limit. */
  bytesPerSecond: number;
  /** Operations in a second; 0: no limit. */
  operationsPerSecond: number;
}

/** Which of a guest's requests to a disk fail. */
export interface DiskFailures {
  /** Whether reads do. */
  reads: boolean;
  /** Whether writes do, and flushes. */
  writes: boolean;
}

/** A disk of a guest, and what its hypervisor can do with it. */
export interface GuestDisk {
  /** Limits the guest's requests from now on. */
  throttle?(limits: DiskLimits): Promise<void>;
  /** Makes requests fail from now on. */
  fail?(failures: DiskFailures): Promise<void>;
  /** Detaches the disk from the guest. */
  detach?(): Promise<void>;
  /** Whether to keep track of what the guest has flushed. */
  track?(isTracked: boolean): Promise<void>;
}

/** The disks of a guest. */
export interface GuestDisks {
  /**
   * A disk by its name, or the first.
   *
   * @throws {MachineError} if there is none.
   */
  find(name?: string): Promise<GuestDisk>;
}

/** What a guest has not flushed to its disks. */
export interface GuestWriteCaches {
  /** Whether flushes of any of them are tracked. */
  readonly areTracked: boolean;
  /**
   * Ends the guest, and undoes the unflushed writes to the disks that are
   * tracked.
   */
  losePower(): Promise<void>;
}

/** The processors of a guest. */
export interface GuestProcessors {
  /** Pauses the processors. */
  pause(): Promise<void>;
  /** Resumes the processors. */
  resume(): Promise<void>;
}

/** The non-maskable interrupt of a guest, as a server's NMI button sends it. */
export interface GuestInterrupt {
  /** Sends all processors a non-maskable interrupt. */
  press(): Promise<void>;
}

/** The memory of a guest. */
export interface GuestMemory {
  /**
   * Takes memory from the guest until it has so many bytes left. Of several
   * limits, the smallest holds.
   *
   * @returns What ends the limit.
   * @throws {MachineError} if the guest does not hand its memory over.
   */
  limit(bytes: number): Promise<() => Promise<void>>;
}

/** Consoles that a guest can have beside those that it has booted with. */
export interface GuestConsoles {
  /** Gives the guest one more `hvc` console. */
  add(): Promise<AddedConsole>;
}

/** What only some hypervisors give a guest. */
export interface Capabilities {
  /** QEMU's monitor. */
  readonly qmp?: QmpClient;
  /** A keyboard. */
  readonly keyboard?: GuestKeyboard;
  /** A screen. */
  readonly screen?: GuestScreen;
  /** Network cards that the hypervisor controls. */
  readonly network?: GuestNetwork;
  /** Ports of the host that lead to it. */
  readonly forwarding?: GuestForwarding;
  /** Consoles that can be added while the guest runs. */
  readonly consoles?: GuestConsoles;
  /** Processors that the hypervisor can pause. */
  readonly processors?: GuestProcessors;
  /** A non-maskable interrupt. */
  readonly interrupt?: GuestInterrupt;
  /** Disks that the hypervisor controls. */
  readonly disks?: GuestDisks;
  /** Caches of its disks, which a loss of power loses. */
  readonly writeCaches?: GuestWriteCaches;
  /** File systems of the guest's own. */
  readonly fileSystems?: true;
  /** Memory that the hypervisor can take away and give back. */
  readonly memory?: GuestMemory;
  /** A clock of the guest's own. */
  readonly clock?: true;
  /** What saves the guest. */
  readonly snapshots?: GuestSnapshots;
}

/** How a guest's terminal begins. */
export interface GuestTerminalOptions {
  /** Lines. */
  rows: number;
  /** Characters of a line. */
  columns: number;
  /** The kind of terminal, as the value of `TERM`. */
  term: string;
}

/** A terminal of a guest, with a shell on it. */
export interface AddedTerminal {
  /** Carries what is typed and shown. It ends with the shell. */
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
  /** The ports for commands. */
  readonly ports: ShellPort[];
  /** How that process ended. */
  readonly status: Promise<Deno.CommandStatus>;
  /** How the guest ended, as a sentence. */
  readonly ended: Promise<string>;
  /** Types on the serial console. */
  writeSerial(text: string | Uint8Array): Promise<void>;
  /**
   * Why the guest stands still, as a part of a sentence, if the hypervisor
   * knows; nothing while it runs.
   */
  standsStill?(): Promise<string | undefined>;
  /**
   * Whether it stands still and may go on, so that the time does not count in
   * which it is silent.
   */
  isPaused?(): Promise<boolean>;
  /**
   * Opens a terminal in the guest itself, if the host can do that.
   *
   * @throws {MachineError} if the guest lacks what a terminal needs.
   */
  addTerminal?(options: GuestTerminalOptions): Promise<AddedTerminal>;
  /** What an author should look at in the guest if its shell does not come. */
  readonly shellHint?: string;
  /** Whether it is ending. `ended` tells how once its process is gone. */
  readonly isEnding?: boolean;
  /** Whether the guest ended by itself, and not by a fault or by the driver. */
  readonly endedWell?: boolean;
  /** The version of the hypervisor that runs it, as `7.2.22`. */
  version?(): Promise<string>;
  /**
   * What the hypervisor says of the guest, for the search for a failure's
   * cause: lines, and a heading before each part.
   */
  report?(): Promise<string>;
  /**
   * Writes the guest's memory to a file, which stops the guest.
   *
   * @param path The absolute path of the file.
   */
  dumpMemory?(path: string): Promise<void>;
  /** Ends the backdoor's shell, if the guest then starts another one. */
  hangUp?(): void;
  /** Ends the guest as a power failure does, without waiting. */
  crash(): Promise<void>;
  /** Ends the guest, whatever it does, and waits until it is gone. */
  stop(): Promise<void>;
}

/** What is known about the way to a guest's ssh. */
export interface SshPlace {
  /** The machine's name. */
  readonly name: string;
  /** The guest's vsock number, if the caller knows it. */
  readonly index?: number;
  /**
   * The UNIX socket that leads to the guest's virtual socket, if it has one.
   */
  readonly vsock?: string;
}

/** Facts about a hypervisor that are known before it runs anything. */
export interface BackendKind {
  /** The hypervisor, as messages call it. */
  readonly hypervisor: string;
  /** The log's word for its guests. */
  readonly guestNoun: string;
  /**
   * Whether guests join a VLAN by an interface of the host, and not by the
   * socket of its switch.
   */
  readonly plugsIntoHost: boolean;
  /** Whether a guest can use a virtual socket that the driver makes. */
  readonly takesVsock: boolean;
  /** Whether a guest can boot again after a reset. */
  readonly reboots: boolean;
  /** Whether it can skip the time for which a guest only waits. */
  readonly fastForwards?: boolean;
  /** Whether a guest that was paused goes on with the connections that it had. */
  readonly connectionsOutlivePause?: boolean;
  /** What all of its guests have. */
  readonly gives: ReadonlySet<keyof Capabilities>;
  /**
   * What a start command is: a program, or a file of the hypervisor's own that
   * describes the guest.
   */
  readonly startsFrom: "program" | "description";
  /**
   * The machine's name in a start command; nothing if the command's name is not
   * one of this backend.
   */
  machineName(startCommand: string): string | undefined;
  /**
   * What the guest of a start command takes of its host, as far as that can be
   * told without starting it: bytes of memory, and processors.
   */
  needs?(
    startCommand: StartCommand,
  ): { readonly memory?: number; readonly cores?: number };
  /**
   * The command line that connects to the ssh of a guest.
   *
   * @throws {UsageError} if there is no way to it.
   */
  sshCommand(place: SshPlace): string;
}

/** Starts guests. */
export interface Backend {
  /** The facts about its hypervisor. */
  readonly kind: BackendKind;
  /**
   * Starts a guest. Returns when the hypervisor runs.
   *
   * @throws {MachineError} if it does not come up.
   */
  start(options: StartOptions, listener: GuestListener): Promise<Guest>;
}
