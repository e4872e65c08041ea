import { directoryOf } from "../../paths.ts";
import { MachineError } from "../../errors.ts";
import { LineSplitter } from "../../scan/mod.ts";
import type { ByteStream } from "../../stream/mod.ts";
import { within } from "../../time/mod.ts";
import type {
  AddedTerminal,
  Backend,
  Guest,
  GuestListener,
  GuestTerminalOptions,
  StartOptions,
} from "../backend.ts";
import { LastWords } from "../last_words.ts";
import { type SocketDirectory, socketDirectory } from "../socket_directory.ts";
import type { PipedProcess, Supervisor } from "../supervisor.ts";
import { ControlGroups } from "./control_groups.ts";
import {
  HOST_SCRIPT,
  inContainer,
  JOURNAL,
  SHELL,
  terminalShell,
} from "./entrance.ts";
import { nspawn } from "./kind.ts";
import { NotifySocket } from "./notify_socket.ts";
import prepareHost from "./prepare_host.sh" with { type: "text" };
import { SwitchedStream } from "./switched_stream.ts";

/** Seconds that a start script may take to clean up after itself. */
const CLEAN_UP = 30;
/**
 * Seconds between two tries to start a shell that the container does not have
 * yet.
 */
const RETRY = 0.1;
/**
 * Seconds after the end of a shell in which the end of its container becomes
 * known.
 */
const REASON = 1;
/** systemd-nspawn exits with this status if the container is to reboot. */
const REBOOTED = 133;

/**
 * Starts containers by start scripts that run systemd-nspawn.
 *
 * A start script finds in its environment the directory for the container's
 * root (`RUN_NSPAWN_ROOT_DIR`, which is the working directory), the directory
 * to share with the container (`RUN_NSPAWN_SHARED_DIR`), and a socket
 * (`NOTIFY_SOCKET`) on which systemd-nspawn reports the container's first
 * process, and that the container is ready. Its output is the container's
 * console. At SIGTERM it ends the container and removes everything that it has
 * made.
 */
export class NspawnBackend implements Backend {
  readonly kind = nspawn;
  readonly #supervisor: Supervisor;
  #prepared?: Promise<void>;

  /** Takes the owner of all processes. */
  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor;
  }

  /** Starts a container, without waiting until it is ready. */
  async start(options: StartOptions, listener: GuestListener): Promise<Guest> {
    await (this.#prepared ??= this.#prepare());
    const guest = new NspawnGuest(this.#supervisor, listener);
    // The socket is not in the container's own directory, because that is its
    // root.
    const parent = directoryOf(options.stateDir);
    const socket = `${options.stateDir.slice(parent.length + 1)}.sock`;
    const place = socketDirectory(
      parent,
      new TextEncoder().encode(socket).length,
      this.#supervisor,
    );
    const groups = new ControlGroups(this.#supervisor);
    let notify: NotifySocket | undefined;
    try {
      notify = await NotifySocket.open(
        `${place.path}/${socket}`,
        this.#supervisor,
        (name, value) => guest.hear(name, value),
      );
      const process = this.#supervisor.spawn(
        groups.entrance + options.startCommand.commandLine([]),
        {
          cwd: options.stateDir,
          env: {
            ...options.env,
            RUN_NSPAWN_ROOT_DIR: options.stateDir,
            RUN_NSPAWN_SHARED_DIR: options.sharedDir,
            NOTIFY_SOCKET: notify.path,
          },
          cleansUp: true,
        },
      );
      guest.run(process, notify, place, groups);
      return guest;
    } catch (error) {
      await groups.remove();
      await notify?.close();
      await place.remove();
      throw error;
    }
  }

  async #prepare(): Promise<void> {
    const { success, stderr } = await new Deno.Command("/bin/sh", {
      args: ["-c", prepareHost],
      stdin: "null",
      stdout: "null",
    }).output();
    if (success) return;
    throw new MachineError(new TextDecoder().decode(stderr).trim());
  }
}

class NspawnGuest implements Guest {
  readonly #supervisor: Supervisor;
  readonly #listener: GuestListener;
  readonly #shellStream = new SwitchedStream();
  readonly #lastWords = new LastWords();
  readonly #ended = Promise.withResolvers<string>();
  #process!: PipedProcess;
  #stdin!: WritableStreamDefaultWriter<Uint8Array>;
  /** The container's first process, by its number on the host. */
  #leader?: number;
  /** The last first process that was ready. */
  #entered?: number;
  /** Settled when the container has another first process. */
  #left = Promise.withResolvers<void>();
  /** The processes that the driver has sent into the container. */
  readonly #inside = new Set<PipedProcess>();
  /** The tasks around them, which all end with the container. */
  readonly #visits = new Set<Promise<void>>();
  #shell?: PipedProcess;
  #stopping = false;
  #over = false;
  readonly ended = this.#ended.promise;
  readonly ports = [];

  constructor(supervisor: Supervisor, listener: GuestListener) {
    this.#supervisor = supervisor;
    this.#listener = listener;
  }

  get pid(): number {
    return this.#process.pid;
  }

  get status(): Promise<Deno.CommandStatus> {
    return this.#process.status;
  }

  get console(): ByteStream {
    return this.#shellStream;
  }

  /** Takes an assignment of the container, or of systemd-nspawn. */
  hear(name: string, value: string): void {
    if (this.#over) return;
    // Group 1 would be that of all processes, if the driver ever ended it.
    if (name === "X_NSPAWN_LEADER_PID" && Number(value) > 1) {
      this.#endLeader();
      this.#leader = Number(value);
      this.#supervisor.adopt(this.#leader);
      this.#left.resolve();
      this.#left = Promise.withResolvers();
    }
    // The container reports it again whenever its systemd was replaced.
    const isReady = name === "READY" && value === "1";
    if (!isReady || this.#leader === this.#entered) return;
    this.#entered = this.#leader!;
    this.#visit(this.#serve(this.#entered));
    this.#visit(this.#followJournal(this.#entered));
  }

  /** Begins with the process of the start script. Called once. */
  run(
    process: PipedProcess,
    notify: NotifySocket,
    place: SocketDirectory,
    groups: ControlGroups,
  ): void {
    this.#process = process;
    const stdin = this.#stdin = process.stdin.getWriter();
    const said = Promise.all([
      this.#copy(process.stdout),
      this.#copy(process.stderr, true),
    ]);
    (async () => {
      const status = await process.status;
      this.#over = true;
      this.#supervisor.reap(process);
      // A systemd-nspawn that was killed has not done that.
      this.#endLeader();
      for (const one of this.#inside) this.#supervisor.kill(one, "SIGKILL");
      await said;
      while (this.#visits.size > 0) await Promise.all(this.#visits);
      await stdin.close().catch(() => {});
      await notify.close();
      await place.remove();
      await groups.remove();
      this.#listener.serialEnd();
      this.#shellStream.close();
      return this.#howItEnded(status);
    })().then(this.#ended.resolve, this.#ended.reject);
  }

  async writeSerial(text: string | Uint8Array): Promise<void> {
    await this.#stdin.write(
      typeof text === "string" ? new TextEncoder().encode(text) : text,
    );
  }

  async addTerminal(options: GuestTerminalOptions): Promise<AddedTerminal> {
    const leader = this.#entered;
    if (leader === undefined) {
      throw new MachineError("the container is not ready");
    }
    const stream = new SwitchedStream();
    const opened = Promise.withResolvers<string>();
    let isOpen = true;
    const ended = this.#enter(
      leader,
      terminalShell(options),
      async (process) => {
        this.#visit(tellFirstLine(process.stderr, opened.resolve));
        // The shell's last output comes when it has ended.
        await stream.connect(process, { toEnd: true });
        stream.close();
      },
      HOST_SCRIPT,
    ).finally(() => isOpen = false);
    this.#visit(ended);
    const said = await opened.promise;
    const [, device, holder] = /^(\/dev\/\S+) (\d+)$/.exec(said) ?? [];
    if (device === undefined) {
      await ended;
      throw new MachineError(said === "" ? "the container ended" : said);
    }
    const remove = async () => {
      // For the shell this is a lost connection.
      if (isOpen) {
        await this.#enter(leader, `kill -KILL ${holder}`, async (process) => {
          await Promise.all([
            process.stdin.close().catch(() => {}),
            process.stdout.pipeTo(new WritableStream()),
            process.stderr.pipeTo(new WritableStream()),
          ]);
        });
      }
      await ended;
    };
    return { stream, device, ended, remove };
  }

  hangUp(): void {
    if (this.#shell) this.#supervisor.kill(this.#shell, "SIGKILL");
  }

  crash(): Promise<void> {
    if (this.#leader === undefined) return this.stop();
    this.#stopping = true;
    this.#endLeader();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#supervisor.kill(this.#process, "SIGTERM");
    const timer = setTimeout(
      () => this.#supervisor.kill(this.#process, "SIGKILL"),
      CLEAN_UP * 1000,
    );
    await this.ended;
    clearTimeout(timer);
  }

  #endLeader(): void {
    if (this.#leader !== undefined) this.#supervisor.endAdopted(this.#leader);
  }

  #visit(visit: Promise<void>): void {
    this.#visits.add(visit);
    visit.finally(() => this.#visits.delete(visit));
  }

  /** Keeps a shell in the container as long as its first process lives. */
  async #serve(leader: number): Promise<void> {
    const program = programOf(leader);
    while (!this.#over && this.#entered === leader) {
      let greeted = false;
      await this.#enter(leader, SHELL, async (process) => {
        this.#shell = process;
        // The console shows the stderr of commands, as in all guests.
        this.#visit(this.#copy(process.stderr));
        greeted = await this.#shellStream.connect(process);
      });
      this.#shell = undefined;
      // If the container ends, its shell ends too. Then the end of the
      // container is the news, and not the missing shell. (To end the others,
      // systemd becomes another program.)
      const isEnding = programOf(leader) !== program;
      await this.#orLeft(
        isEnding ? Infinity : greeted ? REASON : RETRY,
      );
      if (!this.#over) this.#listener.reset();
    }
  }

  /**
   * Waits until the container ends or has another first process, or the time
   * has passed.
   */
  async #orLeft(patience: number): Promise<void> {
    await within(
      patience,
      Promise.race([this.#process.status, this.#left.promise]),
    );
  }

  async #followJournal(leader: number): Promise<void> {
    await this.#enter(leader, JOURNAL, (process) => {
      // A container without a journal is no reason for a message.
      this.#visit(process.stderr.pipeTo(new WritableStream()));
      this.#visit(process.stdin.close().catch(() => {}));
      return this.#copyLines(process.stdout);
    });
  }

  /**
   * Runs a script in the container, with `given` in its environment. `use`
   * reads its streams to the end.
   */
  async #enter(
    leader: number,
    script: string,
    use: (process: PipedProcess) => Promise<void>,
    given?: string,
  ): Promise<void> {
    const process = this.#supervisor.spawn(
      inContainer(leader, script, given),
    );
    this.#inside.add(process);
    await use(process);
    await process.status;
    this.#inside.delete(process);
    this.#supervisor.reap(process);
  }

  /** Shows a stream on the console. */
  async #copy(
    stream: ReadableStream<Uint8Array>,
    isComplaint = false,
  ): Promise<void> {
    using lines = new LineSplitter();
    const keep = (line: string) => this.#lastWords.add(line);
    for await (const chunk of stream) {
      if (isComplaint) lines.push(chunk).forEach(keep);
      this.#listener.serial(chunk);
    }
    if (isComplaint) lines.finish().forEach(keep);
  }

  /**
   * Shows a stream on the console, in whole lines between those of other
   * streams.
   */
  async #copyLines(stream: ReadableStream<Uint8Array>): Promise<void> {
    using lines = new LineSplitter();
    for await (const chunk of stream) {
      const text = lines.push(chunk).map((line) => `${line}\n`).join("");
      this.#listener.serial(new TextEncoder().encode(text));
    }
  }

  #howItEnded(status: Deno.CommandStatus): string {
    if (this.#stopping) return "the container was stopped";
    if (status.success) return "the container powered off";
    if (status.code === REBOOTED) return "the container rebooted";
    const how = status.signal !== null
      ? `its start script was killed by ${status.signal}`
      : `its start script ended with status ${status.code}`;
    return how + this.#lastWords.quoted;
  }
}

/** Reads a stream to its end. `take` gets its first line, and maybe more. */
async function tellFirstLine(
  stream: ReadableStream<Uint8Array>,
  take: (line: string) => void,
): Promise<void> {
  using lines = new LineSplitter();
  for await (const chunk of stream) lines.push(chunk).forEach(take);
  take(lines.finish()[0] ?? "");
}

/** The program of a process, if there is such a process. */
function programOf(pid: number): string | undefined {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/comm`);
  } catch {
    return undefined;
  }
}
