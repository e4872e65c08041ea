import { shellQuote } from "../../shell/shell_quote.ts";
import { delay } from "../../time/mod.ts";
import type {
  Backend,
  Guest,
  GuestDisks,
  GuestListener,
  GuestProcessors,
  StartOptions,
} from "../backend.ts";
import { LimitedMemory } from "../limited_memory.ts";
import { ApiClient } from "../microvm/api_client.ts";
import { MicroVmGuest, type MicroVmOptions } from "../microvm/guest.ts";
import { demandVersion } from "../microvm/program.ts";
import { SAVE_TIMEOUT } from "../microvm/snapshots.ts";
import { memoryOf, startMicroVm } from "../microvm/start.ts";
import type { Supervisor } from "../supervisor.ts";
import { loadRequests, requestsOf, saveRequest } from "./configuration.ts";
import { FirecrackerDisks } from "./disks.ts";
import { firecracker } from "./kind.ts";
import { FirecrackerBalloon } from "./memory.ts";
import { isAlive } from "./sign_of_life.ts";
import type { Action, Drive, Put, VmState } from "./requests.ts";

/** The names of the sockets. */
const API = "fc-api", VSOCK = "fc-vsock";
/** The oldest version: before it, virtual sockets lost bytes. */
const OLDEST = [1, 16, 1];
/** More arguments for Firecracker, such as `--no-seccomp`. */
const ARGUMENTS = "VMWRIGHT_FIRECRACKER_ARGS";
/** The kernel's last words; Firecracker itself does not notice that end. */
const POWERED_OFF = /reboot: (Power down|System halted)/;
/** How much of the console is kept to find them. */
const LAST_WORDS = 200;
/** How often a guest is asked whether it lives, and the seconds between. */
const ASKED = 3, PAUSE = 0.5;

/**
 * Starts guests by Firecracker, each from a description in the form of its
 * `--config-file`.
 *
 * The environment variable `VMWRIGHT_FIRECRACKER` names the program, if it is
 * not on PATH, and `VMWRIGHT_FIRECRACKER_ARGS` adds arguments to it. Its seccomp
 * filters are on, unless `--no-seccomp` is among them. Its jailer is not used:
 * Firecracker runs as the user who runs the test.
 */
export class FirecrackerBackend implements Backend {
  readonly kind = firecracker;
  readonly #supervisor: Supervisor;

  /** Takes the owner of all processes. */
  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor;
  }

  /**
   * Starts a guest. Returns when its processors run, or when it stands still where
   * it was saved.
   *
   * @throws {UsageError} if there is no Firecracker.
   * @throws {MachineError} if Firecracker ends first, is too old, or refuses a
   * part of the description, or what was saved.
   */
  async start(options: StartOptions, listener: GuestListener): Promise<Guest> {
    const { name, stateDir, saved } = options;
    const { hypervisor } = firecracker;
    const log = `${stateDir}/firecracker.log`;
    const supervisor = this.#supervisor;
    let puts: Put[];
    return await startMicroVm<FirecrackerGuest>(
      {
        program: {
          hypervisor,
          name: "firecracker",
          variable: "VMWRIGHT_FIRECRACKER",
        },
        api: API,
        vsock: VSOCK,

        async run(parts) {
          const { place, program, description, disks, network } = parts;
          puts = await requestsOf(description, {
            name,
            disks,
            vsock: `${place.path}/${VSOCK}`,
            network,
          });
          await Deno.writeTextFile(log, "", { mode: 0o600 });
          const socket = `${place.path}/${API}`;
          const words = [
            ...await network.enter(),
            program,
            ...["--api-sock", socket, "--id", idOf(name)],
            ...["--log-path", log, "--level", "Warning"],
          ];
          const more = Deno.env.get(ARGUMENTS) ?? "";
          return new FirecrackerGuest({
            ...parts,
            hypervisor,
            name,
            process: supervisor.spawn(
              `exec ${words.map(shellQuote).join(" ")} ${more}`,
              { cwd: stateDir, env: options.env },
            ),
            supervisor,
            listener,
            api: new ApiClient({ socket, hypervisor, faultOf }),
            memory: memoryOf(firecracker, options),
            saved,
            log,
          }, puts);
        },

        async boot(guest, over, demand) {
          const { api } = guest;
          await guest.meet(over);
          demand();
          const requests = saved === undefined
            ? puts
            : loadRequests(puts, saved.state);
          for (const { path, body } of requests) {
            await api.request("PUT", path, body, { timeout: SAVE_TIMEOUT });
          }
          guest.begin();
          if (saved !== undefined) return;
          const action: Action = { action_type: "InstanceStart" };
          await api.request("PUT", "/actions", action);
        },
      },
      options,
      supervisor,
    );
  }
}

/** Firecracker's own reason for a refusal. */
function faultOf(body: string): string {
  try {
    const { fault_message: fault } = JSON.parse(body);
    if (typeof fault === "string") return fault;
  } catch {
    // Then it is text.
  }
  return body;
}

/** A name as Firecracker takes one: up to 64 letters, digits and dashes. */
function idOf(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9-]/g, "-").slice(0, 64);
}

class FirecrackerGuest extends MicroVmGuest {
  readonly disks: GuestDisks;
  readonly memory: LimitedMemory;
  #tail = "";
  #isSuspected = false;
  #hasPoweredOff = false;

  /**
   * Takes the process from now on.
   *
   * @param puts Its configuration.
   */
  constructor(options: MicroVmOptions, puts: readonly Put[]) {
    super(options);
    const { api, name, memory } = options;
    const drives = puts.filter(({ path }) => path.startsWith("/drives/"))
      .map(({ body }) => body as Drive);
    this.disks = new FirecrackerDisks(api, name, drives);
    this.memory = new LimitedMemory(
      new FirecrackerBalloon(api, name, memory),
      name,
    );
  }

  readonly processors: GuestProcessors = {
    pause: () => this.#change("Paused"),
    resume: () => this.#change("Resumed"),
  };

  /** Firecracker's process is ended for a guest that has powered off. */
  get endedWell(): boolean | undefined {
    return this.#hasPoweredOff || undefined;
  }

  version(): Promise<string> {
    return Promise.resolve(this.knownVersion);
  }

  /** Its API. */
  get api(): ApiClient {
    return this.options.api;
  }

  /**
   * Waits until Firecracker answers.
   *
   * @throws {MachineError} if it is too old.
   */
  async meet(signal: AbortSignal): Promise<void> {
    const { firecracker_version: version } = await this.api.answers(
      "/version",
      signal,
    ) as { firecracker_version: string };
    this.knownVersion = version;
    demandVersion(
      firecracker.hypervisor,
      version,
      OLDEST,
      "older versions lose bytes on virtual sockets",
    );
  }

  protected readonly telling = ["/", "/vm/config"];

  async standsStill(): Promise<string | undefined> {
    const { state } = await this.options.api.request("GET", "/") as {
      state: string;
    };
    if (state !== "Running") return `Firecracker reports the state "${state}"`;
  }

  protected meaning(status: Deno.CommandStatus): string | undefined {
    // A reset of any kind ends Firecracker.
    if (status.success) return "the guest reset itself, which ends Firecracker";
  }

  protected async save(directory: string): Promise<void> {
    const { path, body } = saveRequest(directory);
    await this.api.request("PUT", path, body, { timeout: SAVE_TIMEOUT });
  }

  protected override heard(bytes: Uint8Array): void {
    this.#tail = (this.#tail + new TextDecoder("latin1").decode(bytes))
      .slice(-LAST_WORDS - bytes.length);
    if (!this.#isSuspected && POWERED_OFF.test(this.#tail)) {
      this.#isSuspected = true;
      this.#tail = "";
      this.#endIfDead().finally(() => this.#isSuspected = false);
    }
    this.#tail = this.#tail.slice(-LAST_WORDS);
  }

  /** Anybody can write such words: a guest that takes connections lives. */
  async #endIfDead(): Promise<void> {
    await this.options.vsock.released();
    for (let asked = 0; asked < ASKED; asked++) {
      const isThere = await isAlive({
        dial: (signal) => this.options.vsock.dial(signal),
        standsStill: () => this.standsStill(),
      });
      if (!isThere) {
        this.#hasPoweredOff = true;
        return this.endFor("the guest powered off");
      }
      await delay(PAUSE);
    }
  }

  async #change(state: VmState["state"]): Promise<void> {
    await this.options.api.request("PATCH", "/vm", { state } satisfies VmState);
  }
}
