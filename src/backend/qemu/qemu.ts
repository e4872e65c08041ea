import { MachineError } from "../../report/errors.ts";
import { QmpClient, QmpClosed } from "../../qmp/mod.ts";
import { LineSplitter } from "../../scan/mod.ts";
import type { ByteStream } from "../../stream/mod.ts";
import type {
  AddedConsole,
  Backend,
  Guest,
  GuestListener,
  StartOptions,
} from "../backend.ts";
import type { PipedProcess, Supervisor } from "../supervisor.ts";
import { type SocketDirectory, socketDirectory } from "../socket_directory.ts";
import { PORT_NAMES, qemuArguments } from "./arguments.ts";

/** Bytes of the longest name of a socket, with those of consoles added later. */
const LONGEST_NAME = 20;
/** Seconds that QEMU may take to let go of a device. */
const UNPLUG_TIMEOUT = 10;
/** Milliseconds until the author of a start script gets a hint. */
const HINT_MS = 10_000;
/** Milliseconds after QEMU's end in which what it said last arrives. */
const LAST_WORDS_MS = 1000;
/** Lines of QEMU's stderr that are told when it ends. */
const COMPLAINTS = 10;

/** Starts guests by start scripts that run QEMU. */
export class QemuBackend implements Backend {
  readonly #supervisor: Supervisor;

  /** Takes the owner of all processes. */
  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor;
  }

  /** Starts a guest; answers when QEMU runs and its sockets are connected. */
  async start(
    options: StartOptions,
    listener: GuestListener,
  ): Promise<Guest & { readonly qmp: QmpClient }> {
    const sockets = new Sockets(
      await socketDirectory(
        options.stateDir,
        LONGEST_NAME,
        this.#supervisor,
      ),
    );
    let process: PipedProcess | undefined;
    const stop = () => {
      if (process !== undefined) this.#supervisor.reap(process);
    };
    const hint = setTimeout(
      () =>
        listener.complaint(
          `QEMU has not connected to the driver in ${HINT_MS / 1000} ` +
            'seconds; does the start script hand its arguments, "$@", to QEMU?',
        ),
      HINT_MS,
    );
    try {
      options.signal?.throwIfAborted();
      options.signal?.addEventListener("abort", stop);
      const accepting = ["qmp", "shell", ...PORT_NAMES].map((name) =>
        sockets.accept(name)
      );
      const command = options.startCommand.commandLine(qemuArguments({
        socket: (name) => sockets.path(name),
        vsock: options.vsock,
        allowReboot: options.allowReboot ?? false,
        display: ["DISPLAY", "WAYLAND_DISPLAY"].some((name) =>
          Deno.env.get(name)
        ),
      }));
      process = this.#supervisor.spawn(command, {
        cwd: options.stateDir,
        env: {
          ...options.env,
          TMPDIR: options.stateDir,
          SHARED_DIR: options.sharedDir,
          USE_TMPDIR: "1",
        },
      });
      const guest = new QemuGuest(
        process,
        this.#supervisor,
        listener,
        sockets,
      );
      const [qmp, shell, ...ports] = await Promise.race([
        // Where the command ends, its sockets are closed before that is known.
        Promise.all(accepting).catch((error) =>
          guest.ended.then(() => {
            throw error;
          })
        ),
        guest.ended.then((how) => {
          throw new MachineError(`${options.name} did not start: ${how}`);
        }),
      ]);
      await guest.connect(qmp, shell, ports);
      return guest;
    } catch (error) {
      stop();
      await sockets.remove();
      throw error;
    } finally {
      clearTimeout(hint);
      options.signal?.removeEventListener("abort", stop);
    }
  }
}

/** The sockets between the driver and one QEMU. */
class Sockets {
  readonly #directory: SocketDirectory;
  readonly #listeners = new Map<string, Deno.Listener>();

  constructor(directory: SocketDirectory) {
    this.#directory = directory;
  }

  path(name: string): string {
    return `${this.#directory.path}/${name}`;
  }

  /** Listens for the one connection that QEMU makes. */
  async accept(name: string): Promise<Deno.Conn> {
    try {
      Deno.removeSync(this.path(name));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    const listener = Deno.listen({ transport: "unix", path: this.path(name) });
    this.#listeners.set(name, listener);
    const connection = await listener.accept();
    listener.close();
    this.#listeners.delete(name);
    return connection;
  }

  /** Listens no longer; takes the socket away. */
  async refuse(name: string): Promise<void> {
    this.#listeners.get(name)?.close();
    this.#listeners.delete(name);
    await Deno.remove(this.path(name)).catch(() => {});
  }

  async remove(): Promise<void> {
    for (const name of [...this.#listeners.keys()]) await this.refuse(name);
    for (const name of ["qmp", "shell", ...PORT_NAMES]) {
      await Deno.remove(this.path(name)).catch(() => {});
    }
    await this.#directory.remove();
  }
}

type PipeReader = ReadableStreamDefaultReader<Uint8Array>;

/** What a pipe says until it ends, or its reader is cancelled. */
async function* chunksOf(pipe: PipeReader): AsyncGenerator<Uint8Array> {
  while (true) {
    const { done, value } = await pipe.read();
    if (done) return;
    yield value;
  }
}

class QemuGuest implements Guest {
  readonly #process: PipedProcess;
  readonly #supervisor: Supervisor;
  readonly #listener: GuestListener;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #complaints: string[] = [];
  readonly #sockets: Sockets;
  #addedConsoles = 0;
  #stopping = false;
  /** Why the guest stopped, as QEMU's SHUTDOWN event says it. */
  #shutdown?: string;
  #connected?: { qmp: QmpClient; console: ByteStream; ports: ByteStream[] };
  readonly ended: Promise<string>;

  constructor(
    process: PipedProcess,
    supervisor: Supervisor,
    listener: GuestListener,
    sockets: Sockets,
  ) {
    this.#process = process;
    this.#supervisor = supervisor;
    this.#listener = listener;
    this.#sockets = sockets;
    const stdin = this.#stdin = process.stdin.getWriter();
    const said = [process.stdout, process.stderr].map((pipe) =>
      pipe.getReader()
    );
    const heard = Promise.all([
      this.#readSerial(said[0]),
      this.#readComplaints(said[1]),
    ]);
    this.ended = (async () => {
      const status = await process.status;
      // A child that the start script left behind would hold the pipes.
      supervisor.reap(process);
      // One that hid from us still does.
      const timer = setTimeout(
        () => said.forEach((pipe) => pipe.cancel()),
        LAST_WORDS_MS,
      );
      await heard;
      clearTimeout(timer);
      await stdin.close().catch(() => {});
      this.#connected?.qmp.close();
      for (const port of this.#connected?.ports ?? []) closeQuietly(port);
      if (this.#connected) closeQuietly(this.#connected.console);
      await sockets.remove();
      return this.#howItEnded(status);
    })();
  }

  get pid(): number {
    return this.#process.pid;
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

  async connect(
    qmpStream: ByteStream,
    console: ByteStream,
    ports: ByteStream[],
  ): Promise<void> {
    const qmp = await QmpClient.connect(qmpStream);
    qmp.onEvent(({ event, data }) => {
      if (event === "SHUTDOWN") this.#shutdown = String(data?.reason ?? "");
      if (event === "RESET") this.#listener.reset();
      if (event === "VSERPORT_CHANGE" && data?.open === false) {
        this.#listener.portClosed(String(data.id).replace(/^vw-/, ""));
      }
    });
    this.#connected = { qmp, console, ports };
  }

  async writeSerial(text: string | Uint8Array): Promise<void> {
    await this.#stdin.write(
      typeof text === "string" ? new TextEncoder().encode(text) : text,
    );
  }

  async addConsole(): Promise<AddedConsole> {
    const name = `term.${this.#addedConsoles++}`;
    const id = `vw-${name}`;
    const accepting = this.#sockets.accept(name);
    try {
      const path = this.#sockets.path(name);
      await this.qmp.send("chardev-add", {
        id,
        backend: {
          type: "socket",
          data: { addr: { type: "unix", data: { path } }, server: false },
        },
      });
    } catch (error) {
      accepting.catch(() => {});
      await this.#sockets.refuse(name);
      throw error;
    }
    const stream = await accepting;
    await this.#sockets.refuse(name);
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
        await this.qmp.send("chardev-remove", { id });
      } catch (error) {
        // A guest that ended has no devices any more.
        if (!(error instanceof QmpClosed)) throw error;
      } finally {
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
      await this.qmp.send("chardev-remove", { id }).catch(() => {});
      closeQuietly(stream);
      throw error;
    }
    return { stream, remove };
  }

  async crash(): Promise<void> {
    await this.qmp.send("quit").catch((error) => {
      if (!(error instanceof QmpClosed)) throw error;
    });
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
      for await (const chunk of chunksOf(pipe)) this.#listener.serial(chunk);
    } finally {
      this.#listener.serialEnd();
    }
  }

  async #readComplaints(pipe: PipeReader): Promise<void> {
    using lines = new LineSplitter();
    const hear = (line: string) => {
      // What it says to the signal that we send is no news.
      if (this.#stopping) return;
      this.#complaints.push(line);
      if (this.#complaints.length > COMPLAINTS) this.#complaints.shift();
      this.#listener.complaint(line);
    };
    for await (const chunk of chunksOf(pipe)) {
      lines.push(chunk).forEach(hear);
    }
    lines.finish().forEach(hear);
  }

  #howItEnded(status: Deno.CommandStatus): string {
    const reason = {
      "guest-shutdown": "the guest powered off",
      "guest-reset": "the guest reset itself, and reboots are not allowed",
      "guest-panic": "the guest panicked",
      "host-qmp-quit": "QEMU was told to quit",
      "host-signal": "QEMU was told to end by a signal",
    }[this.#shutdown ?? ""];
    const how = status.signal !== null
      ? `QEMU was killed by ${status.signal}`
      : `QEMU ended with status ${status.code}`;
    if (reason !== undefined && status.success) return reason;
    const said = this.#complaints.length > 0
      ? `, and said last:\n${this.#complaints.join("\n")}`
      : "";
    return how + said;
  }
}

function closeQuietly(stream: ByteStream): void {
  try {
    stream.close();
  } catch {
    // Closed by the other end already.
  }
}
