import { LineSplitter } from "../../scan/mod.ts";
import type { ShellPort } from "../../shell/mod.ts";
import { type ByteStream, PipeReader } from "../../stream/mod.ts";
import { after } from "../../time/mod.ts";
import type {
  Guest,
  GuestListener,
  GuestNetwork,
  GuestProcessors,
  SavedGuest,
} from "../backend.ts";
import type { Identity } from "../identity.ts";
import { isExiting } from "../is_exiting.ts";
import { LastWords } from "../last_words.ts";
import type { LimitedMemory } from "../limited_memory.ts";
import { SerialReader } from "../serial_reader.ts";
import type { SocketDirectory } from "../socket_directory.ts";
import type { PipedProcess, Supervisor } from "../supervisor.ts";
import type { ApiClient } from "./api_client.ts";
import { VsockChannel } from "./channel.ts";
import type { Description } from "./description.ts";
import type { MicroVmDisks } from "./disks.ts";
import { microVmIdentity } from "./identity.ts";
import type { MicroVmNetwork } from "./network.ts";
import { MicroVmSnapshots } from "./snapshots.ts";
import type { HybridVsock } from "./vsock.ts";

/** Seconds that a hypervisor may take to end at SIGTERM. */
const PATIENCE = 2;
/** Seconds after its end in which its last output arrives. */
const LAST_WORDS = 1;
/** Seconds that its API may take for each part of a report. */
const REPORTING = 2;

/** What a {@linkcode MicroVmGuest} is made of. */
export interface MicroVmOptions {
  /** The hypervisor, as messages call it. */
  readonly hypervisor: string;
  /** The machine's name. */
  readonly name: string;
  /** What the guest was started from. */
  readonly description: Description;
  /** Its process, whose output is the guest's serial console. */
  readonly process: PipedProcess;
  readonly supervisor: Supervisor;
  readonly listener: GuestListener;
  readonly api: ApiClient;
  readonly vsock: HybridVsock;
  readonly disks: MicroVmDisks;
  /** Bytes of memory of the guest. */
  readonly memory: number;
  /** What it goes on from, in place of a boot. */
  readonly saved?: SavedGuest;
  /** The directory of the sockets. */
  readonly place: SocketDirectory;
  /** The file that the hypervisor writes its log to. */
  readonly log: string;
  /** Its cards, whose TAPs are removed when it has ended. */
  readonly network: MicroVmNetwork;
}

/** A guest of a hypervisor with an API and a virtual socket. */
export abstract class MicroVmGuest implements Guest {
  protected readonly options: MicroVmOptions;
  readonly #channel: VsockChannel;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lastWords = new LastWords();
  /** What reads its serial port. */
  protected readonly serial: SerialReader;
  /** Whether the guest's serial port has begun: before, it is the hypervisor. */
  #hasBegun = false;
  #isStopping = false;
  /** Why it ends, where the driver ends it for a reason. */
  #reason?: string;
  readonly ended: Promise<string>;
  /** What saves it. */
  readonly snapshots: MicroVmSnapshots;
  /** The version of its hypervisor, once it is known. */
  protected knownVersion = "";

  /** Takes the process from now on. */
  constructor(options: MicroVmOptions) {
    this.options = options;
    const { process, supervisor, vsock, api, place, listener } = options;
    const channel = this.#channel = new VsockChannel(vsock);
    const pipes = [process.stdout, process.stderr].map((pipe) =>
      new PipeReader(pipe)
    );
    const serial = this.serial = new SerialReader(pipes[0]);
    this.snapshots = new MicroVmSnapshots({
      ...options,
      ownInterface: options.network.ownInterface,
      identity: () => this.identity,
      hangUp: () => channel.hangUp(),
      isRunning: async () => !await this.isPaused(),
      pause: () => this.processors.pause(),
      resume: () => this.processors.resume(),
      save: (directory) => this.save(directory),
      taken: () => serial,
      isMemoryLimited: () => this.memory.isLimited,
    }, options.saved);
    const stdin = this.#stdin = process.stdin.getWriter();
    const heard = Promise.all([
      this.#readSerial(),
      this.#readComplaints(pipes[1]),
    ]);
    this.ended = (async () => {
      const status = await process.status;
      supervisor.reap(process);
      // A child that has hidden from the supervisor may hold them.
      const cancel = after(
        LAST_WORDS,
        () => pipes.forEach((pipe) => pipe.cancel()),
      );
      await heard;
      cancel();
      await this.lastEvents();
      await stdin.close().catch(() => {});
      api.close();
      vsock.close();
      channel.close();
      if (this.#hasBegun) listener.serialEnd();
      const how = this.#howItEnded(status);
      await place.remove();
      await options.network.remove();
      return how;
    })();
  }

  /** The process's number. */
  get pid(): number {
    return this.options.process.pid;
  }

  /** How it ended. */
  get status(): Promise<Deno.CommandStatus> {
    return this.options.process.status;
  }

  /** A shell of the guest. */
  get console(): ByteStream {
    return this.#channel.console;
  }

  /** The ports for commands. */
  get ports(): ShellPort[] {
    return this.#channel.ports;
  }

  /** Its network cards. */
  get network(): GuestNetwork {
    return this.options.network;
  }

  /** Its file systems are not the host's. */
  readonly fileSystems = true;

  /** Its clock is not the host's. */
  readonly clock = true;

  /** Its memory, of which a balloon may hold parts. */
  abstract readonly memory: LimitedMemory;

  /** What pauses and resumes its processors. */
  abstract readonly processors: GuestProcessors;

  /** The API's endpoints for the report of a run that fails. */
  protected abstract readonly telling: readonly string[];

  /** What its API tells of it. */
  async report(): Promise<string> {
    const { api, hypervisor } = this.options;
    const parts = this.telling.map(async (path) => {
      const told = await api.request("GET", path, undefined, {
        timeout: REPORTING,
      }).then(
        (answer) => JSON.stringify(answer, null, 2),
        (error) => (error as Error).message,
      );
      return `\n==> ${hypervisor}: GET ${path}\n${told}\n`;
    });
    return (await Promise.all(parts)).join("");
  }

  /** Why the guest stands still. */
  abstract standsStill(): Promise<string | undefined>;

  /** Whether it stands still: it does so only if it is paused. */
  async isPaused(): Promise<boolean> {
    return await this.standsStill() !== undefined;
  }

  /** Makes the hypervisor save the paused guest into a directory. */
  protected abstract save(directory: string): Promise<void>;

  /**
   * The properties that a guest that goes on from this one must share with it.
   */
  get identity(): Identity {
    const { hypervisor, description } = this.options;
    return microVmIdentity(hypervisor, this.knownVersion, description);
  }

  /**
   * How the guest has ended, as far as an exit status of the hypervisor tells.
   */
  protected abstract meaning(status: Deno.CommandStatus): string | undefined;

  /** What to look at in a guest whose shell does not come. */
  get shellHint(): string {
    return "nothing in the guest has taken a connection on vsock port 1234; it needs " +
      "the kernel's driver vmw_vsock_virtio_transport, and a service that starts " +
      "a bash for each connection (socat VSOCK-LISTEN:1234,fork EXEC:bash); " +
      "examples/GUEST.md says what a guest needs";
  }

  /** From now on, the process's output is the guest's. */
  begin(): void {
    this.#hasBegun = true;
  }

  /** Types on the serial console. */
  async writeSerial(text: string | Uint8Array): Promise<void> {
    await this.#stdin.write(
      typeof text === "string" ? new TextEncoder().encode(text) : text,
    );
  }

  /** Ends the shell that is there; the next connection has another. */
  hangUp(): void {
    this.#channel.hangUp();
  }

  /** Ends the guest as a power failure does. */
  crash(): Promise<void> {
    this.#isStopping = true;
    this.options.supervisor.kill(this.options.process, "SIGKILL");
    return Promise.resolve();
  }

  /** Ends the guest, and waits until it is gone. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const { supervisor, process } = this.options;
    supervisor.kill(process, "SIGTERM");
    const timer = setTimeout(
      () => supervisor.kill(process, "SIGKILL"),
      PATIENCE * 1000,
    );
    await this.ended;
    clearTimeout(timer);
  }

  /** Whether it is being ended for a reason, or its process exits. */
  get isEnding(): boolean {
    return this.#reason !== undefined || isExiting(this.pid);
  }

  /** Ends the hypervisor of a guest that has ended for a reason. */
  protected endFor(reason: string): void {
    this.#reason ??= reason;
    this.options.supervisor.kill(this.options.process, "SIGKILL");
  }

  /** What to read before the end is reported. */
  protected lastEvents(): Promise<void> {
    return Promise.resolve();
  }

  /** Called with what the guest writes to its serial port. */
  protected heard(_bytes: Uint8Array): void {}

  async #readSerial(): Promise<void> {
    using before = new LineSplitter();
    const hear = (line: string) => this.#lastWords.add(line);
    for await (const bytes of this.serial) {
      if (this.#hasBegun) {
        this.options.listener.serial(bytes);
        this.heard(bytes);
      } else before.push(bytes).forEach(hear);
    }
    if (!this.#hasBegun) before.finish().forEach(hear);
  }

  async #readComplaints(pipe: PipeReader): Promise<void> {
    using lines = new LineSplitter();
    const hear = (line: string) => {
      if (this.#isStopping) return;
      this.#lastWords.add(line);
      this.options.listener.complaint(line);
    };
    for await (const bytes of pipe) lines.push(bytes).forEach(hear);
    lines.finish().forEach(hear);
  }

  #howItEnded(status: Deno.CommandStatus): string {
    if (this.#reason !== undefined) return this.#reason;
    const { hypervisor } = this.options;
    if (this.#isStopping) return `${hypervisor} was stopped`;
    const meant = this.#hasBegun ? this.meaning(status) : undefined;
    if (meant !== undefined) return meant;
    const how = status.signal !== null
      ? `${hypervisor} was killed by ${status.signal}`
      : `${hypervisor} ended with status ${status.code}`;
    this.#lastWords.addFile(this.options.log);
    return how + this.#lastWords.quoted;
  }
}
