import { MachineError } from "../../errors.ts";
import { shellQuote } from "../../shell/shell_quote.ts";
import { within } from "../../time/mod.ts";
import type {
  Backend,
  Guest,
  GuestDisks,
  GuestInterrupt,
  GuestListener,
  GuestProcessors,
  StartOptions,
} from "../backend.ts";
import { haveCaughtUp } from "../caught_up.ts";
import { LimitedMemory } from "../limited_memory.ts";
import { ApiClient } from "../microvm/api_client.ts";
import { MicroVmGuest, type MicroVmOptions } from "../microvm/guest.ts";
import { demandVersion } from "../microvm/program.ts";
import { SAVE_TIMEOUT } from "../microvm/snapshots.ts";
import { memoryOf, startMicroVm } from "../microvm/start.ts";
import type { PipedProcess, Supervisor } from "../supervisor.ts";
import { CloudHypervisorDisks } from "./disks.ts";
import { readEvents } from "./event_monitor.ts";
import { cloudHypervisor } from "./kind.ts";
import { CloudHypervisorBalloon } from "./memory.ts";
import {
  completed,
  type RestoreConfig,
  resumed,
  type VmConfig,
  type VmSnapshotConfig,
} from "./vm_config.ts";
import type { VmInfo } from "./vm_info.ts";

const { hypervisor } = cloudHypervisor;
/** The names of what is in the directory of the sockets. */
const API = "api", VSOCK = "vsock", EVENTS = "events";
/** The name of a saved guest's configuration. */
const CONFIG = "config.json";
/** The oldest version that the driver takes. */
const OLDEST = [52];
/** More arguments for Cloud Hypervisor, such as `--seccomp false`. */
const ARGUMENTS = "VMWRIGHT_CLOUD_HYPERVISOR_ARGS";
/** Seconds to read the last output of a hypervisor that has ended. */
const LAST_EVENTS = 1;

/** What Cloud Hypervisor says that it is. */
interface Ping {
  readonly version: string;
}

/**
 * Starts guests by Cloud Hypervisor, each from a description in the form of its
 * `VmConfig`.
 *
 * The environment variable `VMWRIGHT_CLOUD_HYPERVISOR` names the program, if it
 * is not on PATH, and `VMWRIGHT_CLOUD_HYPERVISOR_ARGS` adds arguments to it. Its
 * seccomp filters are on, unless `--seccomp false` is among them.
 */
export class CloudHypervisorBackend implements Backend {
  readonly kind = cloudHypervisor;
  readonly #supervisor: Supervisor;

  /** Takes the owner of all processes. */
  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor;
  }

  /**
   * Starts a guest. Returns when it boots, or when it stands still where it was
   * saved.
   *
   * @throws {UsageError} if there is no Cloud Hypervisor.
   * @throws {MachineError} if Cloud Hypervisor ends first, is too old, or refuses
   * the configuration, or what was saved.
   */
  async start(options: StartOptions, listener: GuestListener): Promise<Guest> {
    const { name, stateDir, saved } = options;
    const log = `${stateDir}/cloud-hypervisor.log`;
    const supervisor = this.#supervisor;
    let config: VmConfig;
    return await startMicroVm<CloudHypervisorGuest>(
      {
        program: {
          hypervisor,
          name: "cloud-hypervisor",
          variable: "VMWRIGHT_CLOUD_HYPERVISOR",
        },
        api: API,
        vsock: VSOCK,

        run: async (parts) => {
          const { place, program, description, disks, network } = parts;
          const given = description.value as VmConfig;
          config = await completed(given, {
            absolute: description.path,
            placeDisk: async (source, number, type) => {
              const id = `disk${number}`;
              const path = await disks.place(source, id, type?.toLowerCase());
              return `${stateDir}/${path}`;
            },
            vsock: `${place.path}/${VSOCK}`,
            network,
          });
          await Deno.remove(`${place.path}/${EVENTS}`).catch(() => {});
          const events = await this.#hearEvents(`${place.path}/${EVENTS}`);
          const words = [
            ...await network.enter(),
            program,
            // Their values have a syntax of their own, so they are short names.
            ...["--api-socket", `path=${API}`],
            ...["--event-monitor", `path=${EVENTS}`],
            ...["--log-file", log],
          ];
          const more = Deno.env.get(ARGUMENTS) ?? "";
          return new CloudHypervisorGuest({
            ...parts,
            hypervisor,
            name,
            process: supervisor.spawn(
              `exec ${words.map(shellQuote).join(" ")} ${more}`,
              { cwd: place.path, env: options.env },
            ),
            supervisor,
            listener,
            api: new ApiClient({
              socket: `${place.path}/${API}`,
              base: "/api/v1",
              hypervisor,
              faultOf,
            }),
            memory: memoryOf(cloudHypervisor, options),
            saved,
            log,
          }, { events, allowsReboot: options.allowReboot ?? false });
        },

        async boot(guest, over, demand) {
          await guest.meet(over);
          demand();
          if (saved === undefined) return await guest.boot(config);
          await guest.load(config, saved.state, `${stateDir}/resumed`);
        },
      },
      options,
      supervisor,
    );
  }

  /** Makes a pipe with a name, and reads what is written to it. */
  async #hearEvents(path: string): Promise<PipedProcess> {
    const { success, stderr } = await new Deno.Command("mkfifo", {
      args: ["-m", "600", path],
      stdin: "null",
      stdout: "null",
    }).output();
    if (!success) {
      throw new MachineError(new TextDecoder().decode(stderr).trim());
    }
    return this.#supervisor.spawn(`exec cat ${shellQuote(path)}`);
  }
}

/** What an error's body says: messages, each the cause of the one before. */
function faultOf(body: string): string {
  try {
    const messages: unknown = JSON.parse(body);
    if (Array.isArray(messages)) return messages.join(": ");
  } catch {
    // It says something else.
  }
  return body;
}

/** What a {@linkcode CloudHypervisorGuest} is made of, besides. */
interface OwnOptions {
  /** The process that reads the events. */
  readonly events: PipedProcess;
  /** Whether the guest may reboot. */
  readonly allowsReboot: boolean;
}

/** A guest that Cloud Hypervisor runs. */
class CloudHypervisorGuest extends MicroVmGuest {
  readonly #own: OwnOptions;
  readonly disks: GuestDisks;
  readonly memory: LimitedMemory;
  /** Settled when there are no more events. */
  readonly #heard: Promise<void>;
  #hasPanicked = false;
  #hasShutDown = false;
  /** Whether `nmi()` has been called. */
  #isInterrupted = false;

  constructor(options: MicroVmOptions, own: OwnOptions) {
    super(options);
    this.#own = own;
    const { api, name } = options;
    this.disks = new CloudHypervisorDisks(api, name);
    this.memory = new LimitedMemory(
      new CloudHypervisorBalloon(api, name),
      name,
    );
    this.#heard = this.#hear(own.events);
  }

  /**
   * Waits until Cloud Hypervisor answers.
   *
   * @throws {MachineError} if it is too old.
   */
  async meet(signal: AbortSignal): Promise<void> {
    const { api } = this.options;
    const { version } = await api.answers("/vmm.ping", signal) as Ping;
    this.knownVersion = version;
    demandVersion(
      hypervisor,
      version,
      OLDEST,
      "older versions report less about their guests",
    );
  }

  /** Makes it boot from a configuration. */
  async boot(config: VmConfig): Promise<void> {
    const { api } = this.options;
    await api.request("PUT", "/vm.create", config);
    this.begin();
    await api.request("PUT", "/vm.boot");
  }

  /**
   * Restores it to a saved state, paused.
   *
   * @param own The configuration by which it would boot.
   * @param state The directory of the saved state.
   * @param place A directory, which this makes, for that state with the
   * machine's own paths.
   */
  async load(own: VmConfig, state: string, place: string): Promise<void> {
    const { api } = this.options;
    await Deno.remove(place, { recursive: true }).catch(() => {});
    await Deno.mkdir(place, { mode: 0o700 });
    for await (const { name } of Deno.readDir(state)) {
      if (name !== CONFIG) {
        await Deno.symlink(`${state}/${name}`, `${place}/${name}`);
      }
    }
    const saved = JSON.parse(await Deno.readTextFile(`${state}/${CONFIG}`));
    await Deno.writeTextFile(
      `${place}/${CONFIG}`,
      JSON.stringify(resumed(saved, own)),
      { mode: 0o600 },
    );
    const body: RestoreConfig = { source_url: `file://${place}` };
    await api.request("PUT", "/vm.restore", body, { timeout: SAVE_TIMEOUT });
    this.begin();
  }

  protected async save(directory: string): Promise<void> {
    const body: VmSnapshotConfig = { destination_url: `file://${directory}` };
    await this.options.api.request("PUT", "/vm.snapshot", body, {
      timeout: SAVE_TIMEOUT,
    });
  }

  readonly processors: GuestProcessors = {
    pause: () => this.#turn("Paused", "/vm.pause"),
    resume: () => this.#turn("Running", "/vm.resume"),
  };

  readonly interrupt: GuestInterrupt = {
    press: async () => {
      // Cloud Hypervisor takes a processor that it has interrupted once for one
      // that has been reached, until the next pause.
      if (this.#isInterrupted && await this.#state() === "Running") {
        await this.processors.pause();
        await this.processors.resume();
      }
      await this.options.api.request("PUT", "/vm.nmi");
      this.#isInterrupted = true;
    },
  };

  version(): Promise<string> {
    return Promise.resolve(this.knownVersion);
  }

  protected readonly telling = ["/vm.info", "/vm.counters"];

  async standsStill(): Promise<string | undefined> {
    const state = await this.#state();
    return state === "Running"
      ? undefined
      : `Cloud Hypervisor's vm.info says "${state}"`;
  }

  protected override async lastEvents(): Promise<void> {
    await this.#heard;
  }

  protected meaning({ success }: Deno.CommandStatus): string | undefined {
    if (!success || !this.#hasShutDown) return undefined;
    return this.#hasPanicked ? "the guest panicked" : "the guest powered off";
  }

  async #state(): Promise<string> {
    const { api } = this.options;
    return (await api.request("GET", "/vm.info") as VmInfo).state;
  }

  /** Cloud Hypervisor refuses to change to the state that it is in. */
  async #turn(state: string, path: string): Promise<void> {
    if (await this.#state() === state) return;
    await this.options.api.request("PUT", path);
  }

  async #hear(reader: PipedProcess): Promise<void> {
    const { supervisor, listener, vsock } = this.options;
    reader.stdin.close().catch(() => {});
    const quiet = reader.stderr.pipeTo(new WritableStream());
    // This process ends with the hypervisor, but would wait for one that never
    // began to write.
    this.options.process.status.then(async () => {
      await within(LAST_EVENTS, reader.status);
      supervisor.kill(reader);
    });
    for await (const { source, event } of readEvents(reader.stdout)) {
      switch (`${source} ${event}`) {
        case "guest panic":
          this.#hasPanicked = true;
          listener.panicked();
          break;
        case "vm rebooting":
          if (!this.#own.allowsReboot) {
            this.endFor(
              this.#hasPanicked
                ? "the guest panicked"
                : "the guest reset itself, and reboots are not allowed",
            );
          }
          this.#hasPanicked = false;
          vsock.reset();
          break;
        case "vm rebooted":
          // What the guest wrote before may be the sign of its death.
          await haveCaughtUp([this.serial]);
          listener.reset();
          break;
        case "vm shutdown":
          this.#hasShutDown = true;
      }
    }
    await reader.status;
    supervisor.reap(reader);
    await quiet;
  }
}
