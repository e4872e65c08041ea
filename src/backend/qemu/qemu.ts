import { MachineError } from "../../errors.ts";
import { connectQmp, type QmpClient, QmpClosed } from "../../qmp/mod.ts";
import { LineSplitter } from "../../scan/mod.ts";
import { type ByteStream, PipeReader } from "../../stream/mod.ts";
import type { FixedPort } from "../../shell/mod.ts";
import { delay } from "../../time/mod.ts";
import type {
  AddedConsole,
  Backend,
  Guest,
  GuestConsoles,
  GuestInterrupt,
  GuestListener,
  SavedGuest,
  StartOptions,
} from "../backend.ts";
import type { PipedProcess, Supervisor } from "../supervisor.ts";
import { socketDirectory } from "../socket_directory.ts";
import { addSocket } from "./added_socket.ts";
import { generationDevice } from "./generation_device.ts";
import { placeDisks, QemuDisks, settleDisks } from "./disks.ts";
import { demandSame, type Identity, identityOf } from "./identity.ts";
import { QemuSnapshots } from "./snapshots.ts";
import { TrackedStream } from "./tracked_stream.ts";
import {
  type Adaptation,
  PORT_NAMES,
  qemuArguments,
  SOCKET_NAMES,
  usual,
} from "./arguments.ts";
import { QemuBlockDevices } from "./block_devices.ts";
import { QemuKeyboard } from "./keyboard.ts";
import { qemu } from "./kind.ts";
import { MainLoop } from "./main_loop.ts";
import { QemuMemory } from "./memory.ts";
import { QemuNetwork } from "./network.ts";
import { panicDevice } from "./panic_device.ts";
import { QemuProcessors } from "./processors.ts";
import { dumpMemory, qemuReport, qemuVersion } from "./report.ts";
import { hasSerialOnStdio, rivals } from "./rivals.ts";
import { QemuScreen } from "./screen.ts";
import { closeQuietly, Sockets } from "./sockets.ts";
import { adapted, adviceFor, isAvoidable } from "./start_failure.ts";

/**
 * Bytes of the longest name of a socket, also of consoles that are added later.
 */
const LONGEST_NAME = 20;
/** Seconds that QEMU may take to remove a device. */
const UNPLUG_TIMEOUT = 10;
/** Milliseconds until the author of a start script gets a hint. */
const HINT_MS = 10_000;
/** Seconds that a start script may take until QEMU has connected. */
const CONNECT_TIMEOUT = 300;
/**
 * Milliseconds after QEMU has closed its connections in which the start command
 * ends.
 */
const HANG_UP_MS = 2000;
/** Seconds that QEMU may take to quit, before the driver kills it. */
const QUIT_TIMEOUT = 5;
/** A question about the usual mistake in start scripts. */
const HAND_OVER = 'does the start script hand its arguments, "$@", to QEMU?';
/** Milliseconds after QEMU's end in which its last output arrives. */
const LAST_WORDS_MS = 1000;
/** How many lines of QEMU's stderr the message about its end quotes. */
const COMPLAINTS = 10;

/** How {@linkcode QemuBackend} starts guests. */
export interface QemuBackendOptions {
  /**
   * Seconds that a start script may take until QEMU has connected. It may have
   * to copy images first.
   *
   * @default {300}
   */
  connectTimeout?: number;
}

/** Starts guests by start scripts that run QEMU. */
export class QemuBackend implements Backend {
  readonly kind = qemu;
  readonly #supervisor: Supervisor;
  readonly #connectTimeout: number;
  /** The facts that the driver has found out about start commands. */
  readonly #adaptations = new Map<string, Adaptation>();

  /** Takes the owner of all processes. */
  constructor(supervisor: Supervisor, options: QemuBackendOptions = {}) {
    this.#supervisor = supervisor;
    this.#connectTimeout = options.connectTimeout ?? CONNECT_TIMEOUT;
  }

  /**
   * Starts a guest. Returns when QEMU runs and its sockets are connected. Only
   * QEMU knows what the machine type has. If QEMU reports that it lacks PCI, or
   * that the start script has a serial port on stdio, the driver runs the start
   * command again with other arguments.
   *
   * @throws {MachineError} if QEMU ends first, or does not connect in time, or
   * can't go on from a saved state.
   */
  async start(
    options: StartOptions,
    listener: GuestListener,
  ): Promise<
    Guest & { readonly qmp: QmpClient; readonly ports: FixedPort[] }
  > {
    const { text } = options.startCommand;
    settleDisks(options.stateDir);
    if (options.saved !== undefined) {
      await placeDisks(options.saved.disks, options.stateDir, options.name);
    }
    let adaptation = this.#adaptations.get(text) ?? usual;
    let failure: { how: string; said: string } | undefined;
    while (true) {
      const attempt = await this.#try(options, listener, adaptation);
      const { guest } = attempt;
      if (guest !== undefined) {
        if (!adaptation.ownSerial || await guest.hasConsole()) {
          this.#adaptations.set(text, adaptation);
          if (options.fastForward) await requireOneProcessor(guest, options);
          return guest;
        }
        // Something else is on stdio, and the guest has no console.
        await guest.stop();
        if (failure === undefined) {
          // An earlier start had a serial port there.
          adaptation = usual;
          continue;
        }
      } else {
        failure = attempt;
      }
      const { how, said } = failure;
      const next = options.signal?.aborted || guest !== undefined
        ? undefined
        : adapted(said, adaptation);
      if (next !== undefined) {
        adaptation = next;
        continue;
      }
      listener.serialEnd();
      const advice = adviceFor(said);
      throw new MachineError(
        `${options.name} did not start: ${how}` +
          (advice === undefined ? "" : `\n${advice}`),
      );
    }
  }

  async #try(
    given: StartOptions,
    listener: GuestListener,
    adaptation: Adaptation,
  ): Promise<
    | { guest: QemuGuest }
    | { guest?: undefined; how: string; said: string }
  > {
    const saved = given.saved && adaptation.ownMemory
      ? { ...given.saved, mapped: undefined }
      : given.saved;
    const options = { ...given, saved };
    const sockets = new Sockets(
      socketDirectory(
        options.stateDir,
        LONGEST_NAME,
        this.#supervisor,
      ),
    );
    let guest: QemuGuest | undefined;
    const stop = () => guest?.reap();
    const over = new AbortController();
    const passed = (ms: number) => delay(ms / 1000, over.signal);
    passed(HINT_MS).then(() =>
      listener.complaint(
        `QEMU has not connected to the driver in ${HINT_MS / 1000} ` +
          `seconds; ${HAND_OVER}`,
      ), () => {});
    try {
      options.signal?.throwIfAborted();
      options.signal?.addEventListener("abort", stop);
      const accepting = Promise.all(
        SOCKET_NAMES.map((name) => sockets.accept(name)),
      );
      const device = adaptation.withoutPanicDevice
        ? undefined
        : panicDevice(options.startCommand);
      const generation = adaptation.withoutGenerationDevice
        ? undefined
        : generationDevice(options.startCommand);
      const command = options.startCommand.commandLine(qemuArguments({
        socket: (name) => sockets.path(name),
        vsock: options.vsock,
        panicDevice: device,
        generationDevice: generation,
        incoming: saved !== undefined,
        memory: saved?.mapped?.memory,
        allowReboot: options.allowReboot ?? false,
        fastForward: options.fastForward,
        display: ["DISPLAY", "WAYLAND_DISPLAY"].some((name) =>
          Deno.env.get(name)
        ),
        adaptation,
      }));

      const process = this.#supervisor.spawn(command, {
        cwd: options.stateDir,
        env: {
          ...options.env,
          TMPDIR: options.stateDir,
          SHARED_DIR: options.sharedDir,
          USE_TMPDIR: "1",
        },
      });
      const started = guest = new QemuGuest(
        process,
        options.name,
        this.#supervisor,
        {
          ...listener,
          // The console stays open for the next attempt.
          serialEnd: () => {
            if (started.isConnected) listener.serialEnd();
          },
          complaint: (line) => {
            // The next attempt does without this device.
            const isMute = !started.isConnected &&
              isAvoidable(line, adaptation);
            if (!isMute) listener.complaint(line);
          },
        },
        sockets,
        options,
      );
      const outcome = await Promise.race([
        accepting.then((streams) => started.connect(streams))
          .then(() => "connected" as const)
          // QEMU has ended, but a process of the start script may go on.
          .catch((error) =>
            passed(HANG_UP_MS).then(() => ({
              how: error instanceof QmpClosed
                ? "QEMU closed its connections, but the start script still runs"
                : `${error.message}`,
            }))
          ),
        started.ended.then((how) => ({ how })),
        passed(this.#connectTimeout * 1000).then(() => ({
          how: sockets.accepted === 0
            ? `QEMU has not connected to the driver in ` +
              `${this.#connectTimeout} seconds; ${HAND_OVER}`
            : "QEMU connected to the driver, and did not greet it over QMP in " +
              `${this.#connectTimeout} seconds`,
        })),
      ]);
      if (outcome === "connected") {
        if (device !== undefined) started.outlivePanic();
        if (saved !== undefined) await started.load(saved);
        this.#lookForRivals(started, listener);
        return { guest: started };
      }
      let { how } = outcome;
      started.reap();
      const { success } = await process.status;
      await started.ended;
      const said = started.complaints.join("\n");
      if (success && sockets.accepted === 0) {
        how = "the start script ended with status 0 before QEMU connected to " +
          `the driver; ${HAND_OVER}`;
      }
      if (said !== "" && !how.endsWith(said)) how += `\nit said last:\n${said}`;
      sockets.hangUp();
      return { how, said };
    } catch (error) {
      stop();
      sockets.hangUp();
      await sockets.remove();
      throw error;
    } finally {
      over.abort();
      options.signal?.removeEventListener("abort", stop);
    }
  }

  /** Warns of devices of a start script that come before the driver's own. */
  async #lookForRivals(
    guest: QemuGuest,
    listener: GuestListener,
  ): Promise<void> {
    try {
      for (const rival of await rivals(guest.qmp)) listener.complaint(rival);
    } catch {
      // The guest has ended, which is reported elsewhere.
    }
  }
}

/** @throws {MachineError} for a guest of several processors, which has ended then. */
async function requireOneProcessor(
  guest: QemuGuest,
  { name }: StartOptions,
): Promise<void> {
  const count = await guest.processors.count();
  if (count === 1) return;
  await guest.stop();
  throw new MachineError(
    `${name} did not start: fastForward needs a guest of one processor, and the ` +
      `start script gives it ${count}`,
  );
}

/** The meanings of the reasons in QEMU's SHUTDOWN event. */
const SHUTDOWN_REASONS: ReadonlyMap<string, string> = new Map([
  ["guest-shutdown", "the guest powered off"],
  ["guest-reset", "the guest reset itself, and reboots are not allowed"],
  ["guest-panic", "the guest panicked"],
  ["host-qmp-quit", "QEMU was told to quit"],
  ["host-signal", "QEMU was told to end by a signal"],
]);

class QemuGuest implements Guest {
  readonly #options: StartOptions;
  readonly #streams: TrackedStream[] = [];
  readonly #serial = { reads: 0, isAwaited: false };
  #disks?: QemuDisks;
  #knownIdentity?: Promise<Identity>;
  #openConsoles = 0;
  readonly #process: PipedProcess;
  readonly #name: string;
  readonly #supervisor: Supervisor;
  readonly #listener: GuestListener;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  /** The last lines on stderr. */
  readonly complaints: string[] = [];
  readonly #sockets: Sockets;
  #network?: QemuNetwork;
  #blockDevices?: QemuBlockDevices;
  #memory?: QemuMemory;
  #addedConsoles = 0;
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
    const heard = Promise.all([
      this.#readSerial(said[0]),
      this.#readComplaints(said[1]),
    ]);
    this.ended = (async () => {
      const status = await process.status;
      // A child of the start script would hold the pipes.
      supervisor.reap(process);
      // A child that has hidden from the supervisor still holds them.
      const timer = setTimeout(
        () => said.forEach((pipe) => pipe.cancel()),
        LAST_WORDS_MS,
      );
      await heard;
      clearTimeout(timer);
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

  get processors(): QemuProcessors {
    return new QemuProcessors(this.qmp);
  }

  get interrupt(): GuestInterrupt {
    return new QemuProcessors(this.qmp);
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

  get clock(): true {
    return true;
  }

  get consoles(): GuestConsoles {
    return { add: () => this.#addConsole() };
  }

  /** See {@linkcode GuestSnapshots}. */
  readonly snapshots: QemuSnapshots = new QemuSnapshots({
    qmp: () => this.qmp,
    name: () => this.#name,
    disks: () => this.#disks!,
    addedConsoles: () => this.#openConsoles,
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
   * Takes in what was saved of another guest.
   *
   * @throws {MachineError} where it can't; then it is ended.
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
    const { status } = await this.qmp.send("query-status") as {
      status: string;
    };
    if (status === "running") return;
    const hint = status === "prelaunch"
      ? ' (if the start script says -S, `sendMonitorCommand("cont")` ' +
        "starts the guest)"
      : "";
    return `QEMU's query-status says "${status}"${hint}`;
  }

  /** Takes the connections of QMP, the shell's console and its ports. */
  async connect(
    [qmpStream, monitor, ...streams]: ByteStream[],
  ): Promise<void> {
    const tracked = streams.map((stream) => new TrackedStream(stream));
    this.#streams.push(...tracked);
    // The caller limits the time.
    const qmp = await connectQmp(qmpStream, { timeout: null });
    qmp.onEvent(({ event, data }) => {
      if (event === "SHUTDOWN" && typeof data?.reason === "string") {
        this.#shutdown = data.reason;
      }
      const isPanic = event === "GUEST_PANICKED" ||
        data?.reason === "guest-panic";
      if (isPanic) this.#listener.panicked();
      if (event === "RESET") this.#listener.reset();
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

  async #addConsole(): Promise<AddedConsole> {
    const socket = await addSocket(
      this.qmp,
      this.#sockets,
      `term.${this.#addedConsoles++}`,
    );
    const { id, stream } = socket;
    this.#openConsoles++;
    const remove = async () => {
      try {
        const deleted = this.qmp.waitForEvent(
          ({ event, data }) =>
            event === "DEVICE_DELETED" && data?.device === id,
          { timeout: UNPLUG_TIMEOUT },
        );
        deleted.catch(() => {});
        await this.qmp.send("device_del", { id });
        await deleted;
        await socket.remove();
      } catch (error) {
        // A guest that has ended has no devices.
        if (!(error instanceof QmpClosed)) throw error;
      } finally {
        this.#openConsoles--;
        closeQuietly(stream);
      }
    };
    try {
      await this.qmp.send("device_add", {
        driver: "virtconsole",
        bus: "vw.0",
        chardev: id,
        id,
      });
    } catch (error) {
      this.#openConsoles--;
      await socket.remove().catch(() => {});
      throw error;
    }
    const { mainLoop } = this.#connected!;
    return { stream: mainLoop?.waking(stream) ?? stream, remove };
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

  async #readSerial(pipe: PipeReader): Promise<void> {
    try {
      while (true) {
        this.#serial.isAwaited = true;
        const bytes = await pipe.read();
        // At its end, nothing more comes.
        this.#serial.isAwaited = bytes === undefined;
        this.#serial.reads++;
        if (bytes === undefined) return;
        this.#listener.serial(bytes);
      }
    } finally {
      this.#listener.serialEnd();
    }
  }

  async #readComplaints(pipe: PipeReader): Promise<void> {
    using lines = new LineSplitter();
    const hear = (line: string) => {
      // QEMU's message about the driver's own signal is no news.
      if (this.#stopping) return;
      this.complaints.push(line);
      if (this.complaints.length > COMPLAINTS) this.complaints.shift();
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
    const said = this.complaints.length > 0
      ? `, and said last:\n${this.complaints.join("\n")}`
      : "";
    return how + said;
  }
}
