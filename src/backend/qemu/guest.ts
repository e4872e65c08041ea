import { MachineError } from "../../errors.ts";
import { connectQmp, type QmpClient, QmpClosed } from "../../qmp/mod.ts";
import { LineSplitter } from "../../scan/mod.ts";
import { type ByteStream, closeQuietly, PipeReader } from "../../stream/mod.ts";
import { after } from "../../time/mod.ts";
import type {
  Guest,
  GuestInterrupt,
  GuestListener,
  SavedGuest,
  StartOptions,
} from "../backend.ts";
import { haveCaughtUp } from "../caught_up.ts";
import { demandSame, type Identity } from "../identity.ts";
import { LastWords } from "../last_words.ts";
import { SerialReader } from "../serial_reader.ts";
import type { PipedProcess, Supervisor } from "../supervisor.ts";
import { PORT_NAMES } from "./arguments.ts";
import { QemuBlockDevices } from "./block_devices.ts";
import { QemuConsoles } from "./consoles.ts";
import { QemuDisks } from "./disks.ts";
import { identityOf } from "./identity.ts";
import { QemuKeyboard } from "./keyboard.ts";
import { MainLoop } from "./main_loop.ts";
import { QemuMemory } from "./memory.ts";
import { QemuNetwork } from "./network.ts";
import { QemuProcessors } from "./processors.ts";
import { dumpMemory, qemuReport, qemuVersion } from "./report.ts";
import { hasSerialOnStdio } from "./rivals.ts";
import { isForGood, isPause, runState, saidOf } from "./run_state.ts";
import { QemuScreen } from "./screen.ts";
import { QemuSnapshots } from "./snapshots.ts";
import type { Sockets } from "./sockets.ts";
import { TrackedStream } from "./tracked_stream.ts";

/** Seconds that QEMU may take to quit, before the driver kills it. */
const QUIT_TIMEOUT = 5;
/** Seconds after QEMU's end in which its last output arrives. */
const LAST_WORDS = 1;

/** The meanings of the reasons in QEMU's SHUTDOWN event. */
const SHUTDOWN_REASONS: ReadonlyMap<string, string> = new Map([
  ["guest-shutdown", "the guest powered off"],
  ["guest-reset", "the guest reset itself, and reboots are not allowed"],
  ["guest-panic", "the guest panicked"],
  ["host-qmp-quit", "QEMU was told to quit"],
  ["host-signal", "a signal ended QEMU"],
]);

/** A guest that QEMU runs, or has yet to run. */
export class QemuGuest implements Guest {
  readonly #options: StartOptions;
  readonly #streams: TrackedStream[] = [];
  readonly #serial: SerialReader;
  #disks?: QemuDisks;
  #knownIdentity?: Promise<Identity>;
  readonly #process: PipedProcess;
  readonly #name: string;
  readonly #supervisor: Supervisor;
  readonly #listener: GuestListener;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  /** What it has said on stderr. */
  readonly lastWords = new LastWords();
  readonly #sockets: Sockets;
  #network?: QemuNetwork;
  #blockDevices?: QemuBlockDevices;
  #memory?: QemuMemory;
  #consoles?: QemuConsoles;
  #stopping = false;
  /** Why the guest stopped, from QEMU's SHUTDOWN event. */
  #shutdown?: string;
  #connected?: {
    qmp: QmpClient;
    monitor: ByteStream;
    mainLoop: MainLoop | undefined;
    console: ByteStream;
    ports: ByteStream[];
  };
  readonly ended: Promise<string>;

  constructor(
    process: PipedProcess,
    name: string,
    supervisor: Supervisor,
    listener: GuestListener,
    sockets: Sockets,
    options: StartOptions,
  ) {
    this.#options = options;
    this.#process = process;
    this.#name = name;
    this.#supervisor = supervisor;
    this.#listener = listener;
    this.#sockets = sockets;
    const stdin = this.#stdin = process.stdin.getWriter();
    const said = [process.stdout, process.stderr].map((pipe) =>
      new PipeReader(pipe)
    );
    this.#serial = new SerialReader(said[0]);
    const heard = Promise.all([
      this.#readSerial(),
      this.#readComplaints(said[1]),
    ]);
    this.ended = (async () => {
      const status = await process.status;
      // A child of the start script would hold the pipes.
      supervisor.reap(process);
      // A child that has hidden from the supervisor still holds them.
      const cancel = after(
        LAST_WORDS,
        () => said.forEach((pipe) => pipe.cancel()),
      );
      await heard;
      cancel();
      await haveCaughtUp(this.#streams);
      await stdin.close().catch(() => {});
      this.#connected?.qmp.close();
      for (const port of this.#connected?.ports ?? []) closeQuietly(port);
      if (this.#connected) {
        closeQuietly(this.#connected.console);
        closeQuietly(this.#connected.monitor);
      }
      this.#disks?.settle();
      await sockets.remove();
      return this.#howItEnded(status);
    })();
  }

  get pid(): number {
    return this.#process.pid;
  }

  get isConnected(): boolean {
    return this.#connected !== undefined;
  }

  /** QEMU hangs up before it goes. */
  get isEnding(): boolean {
    return this.#connected?.qmp.isClosed ?? false;
  }

  /** Whether QEMU's stdout is the guest's serial console. */
  async hasConsole(): Promise<boolean> {
    try {
      return await hasSerialOnStdio(this.qmp);
    } catch (error) {
      // A QEMU that has ended reports that itself.
      return error instanceof QmpClosed;
    }
  }

  /** Ends the start command, and all processes that it has started. */
  reap(): void {
    this.#supervisor.reap(this.#process);
  }

  get status(): Promise<Deno.CommandStatus> {
    return this.#process.status;
  }

  get console(): ByteStream {
    return this.#connected!.console;
  }

  get ports() {
    return this.#connected!.ports.map((stream, index) => ({
      name: PORT_NAMES[index],
      stream,
    }));
  }

  get qmp(): QmpClient {
    return this.#connected!.qmp;
  }

  get keyboard(): QemuKeyboard {
    return new QemuKeyboard(this.qmp, this.#name);
  }

  get screen(): QemuScreen {
    return new QemuScreen(this.qmp, this.#name);
  }

  get network(): QemuNetwork {
    return this.#network ??= new QemuNetwork(this.qmp, this.#sockets);
  }

  get forwarding(): QemuNetwork {
    return this.network;
  }

  get processors(): QemuProcessors {
    return new QemuProcessors(this.qmp, this.#name);
  }

  get interrupt(): GuestInterrupt {
    return new QemuProcessors(this.qmp, this.#name);
  }

  get disks(): QemuBlockDevices {
    return this.#blockDevices ??= new QemuBlockDevices(this.qmp, {
      machine: this.#name,
      directory: this.#options.stateDir,
      crash: () => this.crash(),
    });
  }

  get memory(): QemuMemory {
    return this.#memory ??= new QemuMemory(this.qmp, {
      machine: this.#name,
      isMapped: this.#options.saved?.mapped !== undefined,
    });
  }

  version(): Promise<string> {
    return qemuVersion(this.qmp);
  }

  report(): Promise<string> {
    return qemuReport(this.qmp);
  }

  dumpMemory(path: string): Promise<void> {
    return dumpMemory(this.qmp, path);
  }

  get writeCaches(): QemuBlockDevices {
    return this.disks;
  }

  get fileSystems(): true {
    return true;
  }

  get clock(): true {
    return true;
  }

  get consoles(): QemuConsoles {
    return this.#consoles ??= new QemuConsoles(
      this.qmp,
      this.#sockets,
      this.#connected!.mainLoop,
    );
  }

  /** See {@linkcode GuestSnapshots}. */
  readonly snapshots: QemuSnapshots = new QemuSnapshots({
    qmp: () => this.qmp,
    name: () => this.#name,
    disks: () => this.#disks!,
    addedConsoles: () => this.#consoles?.open ?? 0,
    isMemoryLimited: () => this.#memory?.isChanged ?? false,
    identity: () => this.#identity(),
    taken: () => {
      const all = [...this.#streams, this.#serial];
      return {
        reads: all.reduce((sum, { reads }) => sum + reads, 0),
        isAwaited: all.every(({ isAwaited }) => isAwaited),
      };
    },
  });

  /** This does not change while QEMU runs. */
  #identity(): Promise<Identity> {
    return this.#knownIdentity ??= this.#findIdentity();
  }

  #findIdentity(): Promise<Identity> {
    const { stateDir, sharedDir, env = {} } = this.#options;
    const own = Object.entries(env).filter(([, path]) => path.startsWith("/"));
    return identityOf(this.qmp, {
      pid: this.pid,
      paths: {
        ...Object.fromEntries(own),
        "the state directory": stateDir,
        "the shared directory": sharedDir,
      },
    });
  }

  /**
   * Loads the saved state of another guest.
   *
   * @throws {MachineError} if that fails; then QEMU is ended.
   */
  async load(saved: SavedGuest): Promise<void> {
    try {
      demandSame(saved.identity, await this.#identity(), this.#name);
      await this.snapshots.load(saved);
    } catch (error) {
      const isGone = error instanceof QmpClosed;
      if (!isGone) await this.stop();
      const how = await this.ended;
      if (!isGone) throw error;
      throw new MachineError(
        `${this.#name} can't go on from the snapshot: ${how}`,
        { cause: error },
      );
    }
  }

  async standsStill(): Promise<string | undefined> {
    const state = await runState(this.qmp);
    if (state === "running") return;
    const hint = state === "prelaunch"
      ? ' (if the start script says -S, `sendMonitorCommand("cont")` ' +
        "starts the guest)"
      : "";
    return saidOf(state) + hint;
  }

  async isPaused(): Promise<boolean> {
    return isPause(await runState(this.qmp));
  }

  /** Takes the connections of QMP, the shell's console and its ports. */
  async connect(
    [qmpStream, monitor, ...streams]: ByteStream[],
  ): Promise<void> {
    const tracked = streams.map((stream) => new TrackedStream(stream));
    this.#streams.push(...tracked);
    // The caller limits the time.
    const qmp = await connectQmp(qmpStream, {
      timeout: null,
      // What the guest wrote before its reset may be the sign of its death, or
      // the status of a command.
      hold: ({ event }) =>
        event === "RESET"
          ? haveCaughtUp([this.#serial, ...this.#streams])
          : undefined,
    });
    qmp.onEvent(({ event, data }) => {
      if (event === "SHUTDOWN" && typeof data?.reason === "string") {
        this.#shutdown ??= data.reason;
      }
      const isPanic = event === "GUEST_PANICKED" ||
        data?.reason === "guest-panic";
      if (isPanic) this.#listener.panicked();
      if (event === "RESET") this.#listener.reset();
      // A QEMU that has ended reports that itself.
      if (event === "STOP") this.#lookAtStop(qmp).catch(() => {});
      if (event === "VSERPORT_CHANGE" && data?.open === false) {
        if (typeof data.id !== "string") return;
        this.#listener.portClosed(data.id.replace(/^vw-/, ""));
      }
    });
    const mainLoop = await MainLoop.find(qmp, monitor);
    const [console, ...ports] = tracked.map((stream) =>
      mainLoop?.waking(stream) ?? stream
    );
    this.#connected = { qmp, monitor, mainLoop, console, ports };
    this.#disks = new QemuDisks(qmp, this.#options.stateDir, this.#name);
  }

  /**
   * Tells of a guest that has stopped for good, and ends one that was shut down
   * while QEMU has the option `-no-shutdown`.
   */
  async #lookAtStop(qmp: QmpClient): Promise<void> {
    const state = await runState(qmp);
    if (isForGood(state)) this.#listener.stoppedForGood(saidOf(state));
    if (state === "shutdown") await this.crash();
  }

  /**
   * Lets QEMU go on after a panic. The guest's kernel decides what happens
   * then, such as a reboot, as without a panic device.
   */
  outlivePanic(): void {
    // QEMU before 6.0 does not have this command.
    this.qmp.send("set-action", { panic: "none" }).catch(() => {});
  }

  async writeSerial(text: string | Uint8Array): Promise<void> {
    await this.#stdin.write(
      typeof text === "string" ? new TextEncoder().encode(text) : text,
    );
  }

  async crash(): Promise<void> {
    try {
      await this.qmp.send("quit", undefined, { timeout: QUIT_TIMEOUT });
    } catch (error) {
      if (error instanceof QmpClosed) return;
      // A QEMU that hangs takes no command.
      this.#supervisor.kill(this.#process, "SIGKILL");
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#supervisor.kill(this.#process, "SIGTERM");
    const timer = setTimeout(
      () => this.#supervisor.kill(this.#process, "SIGKILL"),
      2000,
    );
    await this.ended;
    clearTimeout(timer);
  }

  async #readSerial(): Promise<void> {
    try {
      for await (const bytes of this.#serial) this.#listener.serial(bytes);
    } finally {
      this.#listener.serialEnd();
    }
  }

  async #readComplaints(pipe: PipeReader): Promise<void> {
    using lines = new LineSplitter();
    const hear = (line: string) => {
      // QEMU's message about the driver's own signal is no news.
      if (this.#stopping) return;
      this.lastWords.add(line);
      this.#listener.complaint(line);
    };
    for await (const chunk of pipe) {
      lines.push(chunk).forEach(hear);
    }
    lines.finish().forEach(hear);
  }

  #howItEnded(status: Deno.CommandStatus): string {
    const reason = SHUTDOWN_REASONS.get(this.#shutdown ?? "");
    const how = status.signal !== null
      ? `QEMU was killed by ${status.signal}`
      : `QEMU ended with status ${status.code}`;
    if (reason !== undefined && status.success) return reason;
    return how + this.lastWords.quoted;
  }
}
