import { MachineError } from "../../errors.ts";
import { shellQuote } from "../../shell/shell_quote.ts";
import { within } from "../../time/mod.ts";
import type {
  Backend,
  Guest,
  GuestListener,
  GuestProcessors,
  StartOptions,
} from "../backend.ts";
import { ApiClient } from "../microvm/api_client.ts";
import { readDescription } from "../microvm/description.ts";
import { placeDisk } from "../microvm/disks.ts";
import { MicroVmGuest, type MicroVmOptions } from "../microvm/guest.ts";
import { MicroVmNetwork } from "../microvm/network.ts";
import { demandVersion, findProgram } from "../microvm/program.ts";
import { CALL_SUFFIX, HybridVsock } from "../microvm/vsock.ts";
import { socketDirectory } from "../socket_directory.ts";
import type { PipedProcess, Supervisor } from "../supervisor.ts";
import { readEvents } from "./event_monitor.ts";
import { cloudHypervisor } from "./kind.ts";
import { completed, type VmConfig } from "./vm_config.ts";

const { hypervisor } = cloudHypervisor;
/** The names of what is in the directory of the sockets. */
const API = "api", VSOCK = "vsock", EVENTS = "events";
/** The oldest version that the driver takes. */
const OLDEST = [52];
/** More arguments for Cloud Hypervisor, such as `--seccomp false`. */
const ARGUMENTS = "VMWRIGHT_CLOUD_HYPERVISOR_ARGS";
/** Seconds in which what a hypervisor that has ended wrote last is read. */
const LAST_EVENTS = 1;

/** What Cloud Hypervisor says that it is. */
interface Ping {
  readonly version: string;
}

/** What Cloud Hypervisor says of a machine. */
interface VmInfo {
  readonly state: string;
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
   * Starts a guest. Returns when it boots.
   *
   * @throws {MachineError} if Cloud Hypervisor is missing or too old, or refuses
   * the configuration.
   */
  async start(options: StartOptions, listener: GuestListener): Promise<Guest> {
    const { name, stateDir, startCommand, signal } = options;
    const log = `${stateDir}/cloud-hypervisor.log`;
    const { value, path, program: described } = readDescription(
      startCommand,
      name,
      hypervisor,
    );
    const given = value as VmConfig;
    const program = findProgram({
      hypervisor,
      name: "cloud-hypervisor",
      variable: "VMWRIGHT_CLOUD_HYPERVISOR",
      described,
    });
    const place = socketDirectory(
      stateDir,
      `${VSOCK}${CALL_SUFFIX}`.length,
      this.#supervisor,
    );
    // An earlier start of the machine has left its own.
    for (const file of [API, VSOCK, `${VSOCK}${CALL_SUFFIX}`, EVENTS]) {
      await Deno.remove(`${place.path}/${file}`).catch(() => {});
    }
    const vsock = new HybridVsock(`${place.path}/${VSOCK}`);
    const network = new MicroVmNetwork(options);
    let guest: CloudHypervisorGuest | undefined;
    const stop = () => guest?.crash();
    try {
      const config = await completed(given, {
        absolute: path,
        placeDisk: (source, number) =>
          placeDisk(source, stateDir, `disk${number}`),
        vsock: `${place.path}/${VSOCK}`,
        network,
      });
      const enter = await network.enter();
      const events = await this.#hearEvents(`${place.path}/${EVENTS}`);
      signal?.throwIfAborted();
      signal?.addEventListener("abort", stop);
      const words = [
        ...enter,
        program,
        // Their values have a syntax of their own, so they are short names.
        ...["--api-socket", `path=${API}`],
        ...["--event-monitor", `path=${EVENTS}`],
        ...["--log-file", log],
      ];
      const more = Deno.env.get(ARGUMENTS) ?? "";
      const started = guest = new CloudHypervisorGuest({
        hypervisor,
        process: this.#supervisor.spawn(
          `exec ${words.map(shellQuote).join(" ")} ${more}`,
          { cwd: place.path, env: options.env },
        ),
        supervisor: this.#supervisor,
        listener,
        api: new ApiClient({
          socket: `${place.path}/${API}`,
          base: "/api/v1",
          hypervisor,
          faultOf,
        }),
        vsock,
        place,
        log,
        network,
      }, { events, allowsReboot: options.allowReboot ?? false });
      await started.boot(config);
      return started;
    } catch (error) {
      if (guest === undefined) {
        vsock.close();
        await network.remove();
        await place.remove();
        throw error;
      }
      await guest.stop();
      if (signal?.aborted) throw signal.reason;
      if (!(error instanceof MachineError)) throw error;
      throw new MachineError(`${name} did not start: ${error.message}`, {
        cause: error,
      });
    } finally {
      signal?.removeEventListener("abort", stop);
    }
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
  /** Settled when there are no more events. */
  readonly #heard: Promise<void>;
  #hasPanicked = false;
  #hasShutDown = false;

  constructor(options: MicroVmOptions, own: OwnOptions) {
    super(options);
    this.#own = own;
    this.#heard = this.#hear(own.events);
  }

  /** Has it boot from a configuration. */
  async boot(config: VmConfig): Promise<void> {
    const { api } = this.options;
    const over = new AbortController();
    const died = this.ended.then((how) => {
      over.abort();
      throw new MachineError(how);
    });
    died.catch(() => {});
    const booting = (async () => {
      const { version } = await api.answers("/vmm.ping", over.signal) as Ping;
      demandVersion(
        hypervisor,
        version,
        OLDEST,
        "older ones tell less of their guests",
      );
      await api.request("PUT", "/vm.create", config);
      this.begin();
      await api.request("PUT", "/vm.boot");
    })();
    booting.catch(() => {});
    await Promise.race([booting, died]);
  }

  readonly processors: GuestProcessors = {
    pause: () => this.#turn("Paused", "/vm.pause"),
    resume: () => this.#turn("Running", "/vm.resume"),
  };

  async version(): Promise<string> {
    const { version } = await this.options.api.request(
      "GET",
      "/vmm.ping",
    ) as Ping;
    return version;
  }

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
    // It ends with the hypervisor, and waits for one that never began to write.
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
