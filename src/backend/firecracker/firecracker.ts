import { MachineError } from "../../errors.ts";
import { shellQuote } from "../../shell/shell_quote.ts";
import { delay } from "../../time/mod.ts";
import type {
  Backend,
  Guest,
  GuestListener,
  GuestProcessors,
  StartOptions,
} from "../backend.ts";
import { ApiClient } from "../microvm/api_client.ts";
import { readDescription } from "../microvm/description.ts";
import { MicroVmGuest } from "../microvm/guest.ts";
import { MicroVmNetwork } from "../microvm/network.ts";
import { demandVersion, findProgram } from "../microvm/program.ts";
import { CALL_SUFFIX, HybridVsock } from "../microvm/vsock.ts";
import { socketDirectory } from "../socket_directory.ts";
import type { Supervisor } from "../supervisor.ts";
import { requestsOf } from "./configuration.ts";
import { firecracker } from "./kind.ts";
import type { Action, VmState } from "./requests.ts";

/** The oldest version: before it, virtual sockets lost bytes. */
const OLDEST = [1, 16, 1];
/** More arguments for Firecracker, such as `--no-seccomp`. */
const ARGUMENTS = "VMWRIGHT_FIRECRACKER_ARGS";
/** The kernel's last words; Firecracker itself does not notice that end. */
const POWERED_OFF = /reboot: (Power down|System halted)/;
/** How much of the console is kept to find them. */
const LAST_WORDS = 200;
/** Seconds in which a guest that lives takes a connection, and how often it is asked. */
const SIGN_OF_LIFE = 1, ASKED = 3;

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
   * Starts a guest. Returns when its processors run.
   *
   * @throws {UsageError} if there is no Firecracker.
   * @throws {MachineError} if Firecracker ends first, is too old, or refuses a
   * part of the description.
   */
  async start(options: StartOptions, listener: GuestListener): Promise<Guest> {
    const { name, stateDir, startCommand, signal } = options;
    const description = readDescription(
      startCommand,
      name,
      firecracker.hypervisor,
    );
    const program = findProgram({
      hypervisor: firecracker.hypervisor,
      name: "firecracker",
      variable: "VMWRIGHT_FIRECRACKER",
      described: description.program,
    });
    signal?.throwIfAborted();
    const place = socketDirectory(
      stateDir,
      `fc-vsock${CALL_SUFFIX}`.length,
      this.#supervisor,
    );
    const socket = `${place.path}/fc-api`, vsockPath = `${place.path}/fc-vsock`;
    const log = `${stateDir}/firecracker.log`;
    // Firecracker takes no place that is taken, not even by an earlier start.
    for (const path of [socket, vsockPath, `${vsockPath}${CALL_SUFFIX}`]) {
      await Deno.remove(path).catch(() => {});
    }
    await Deno.writeTextFile(log, "", { mode: 0o600 });
    const network = new MicroVmNetwork(options);
    let guest: FirecrackerGuest | undefined;
    const vsock = new HybridVsock(vsockPath);
    const stop = () => guest?.crash();
    try {
      const puts = await requestsOf(description, {
        name,
        stateDir,
        vsock: vsockPath,
        network,
      });
      const words = [
        ...await network.enter(),
        program,
        ...["--api-sock", socket, "--id", idOf(name)],
        ...["--log-path", log, "--level", "Warning"],
      ];
      const more = Deno.env.get(ARGUMENTS) ?? "";
      const process = this.#supervisor.spawn(
        `exec ${words.map(shellQuote).join(" ")} ${more}`,
        { cwd: stateDir, env: options.env },
      );
      const api = new ApiClient({
        socket,
        hypervisor: firecracker.hypervisor,
        faultOf,
      });
      guest = new FirecrackerGuest({
        hypervisor: firecracker.hypervisor,
        process,
        supervisor: this.#supervisor,
        listener,
        api,
        vsock,
        place,
        log,
        network,
      });
      const started = guest;
      signal?.addEventListener("abort", stop);
      const over = new AbortController();
      const died = started.ended.then((how) => {
        over.abort();
        throw new MachineError(`${name} did not start: ${how}`);
      });
      died.catch(() => {});
      await Promise.race([
        died,
        (async () => {
          const { firecracker_version: version } = await api.answers(
            "/version",
            over.signal,
          ) as { firecracker_version: string };
          started.firecrackerVersion = version;
          demandVersion(
            firecracker.hypervisor,
            version,
            OLDEST,
            "its virtual sockets lose bytes",
          );
          for (const { path, body } of puts) {
            await api.request("PUT", path, body);
          }
          started.begin();
          const action: Action = { action_type: "InstanceStart" };
          await api.request("PUT", "/actions", action);
        })(),
      ]);
      return started;
    } catch (error) {
      if (guest === undefined) {
        vsock.close();
        await network.remove();
        await place.remove();
      } else await guest.stop();
      if (signal?.aborted) throw signal.reason;
      if (error instanceof MachineError && !error.message.startsWith(name)) {
        throw new MachineError(`${name} did not start: ${error.message}`, {
          cause: error,
        });
      }
      throw error;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
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
  firecrackerVersion = "";
  #tail = "";
  #isSuspected = false;
  #hasPoweredOff = false;

  readonly processors: GuestProcessors = {
    pause: () => this.#change("Paused"),
    resume: () => this.#change("Resumed"),
  };

  /** Firecracker's process is ended for a guest that has powered off. */
  get endedWell(): boolean | undefined {
    return this.#hasPoweredOff || undefined;
  }

  version(): Promise<string> {
    return Promise.resolve(this.firecrackerVersion);
  }

  async report(): Promise<string> {
    const parts = ["/", "/vm/config"].map(async (path) => {
      const told = await this.options.api.request("GET", path, undefined, {
        timeout: 2,
      }).then(
        (answer) => JSON.stringify(answer, null, 2),
        (error) => (error as Error).message,
      );
      return `\n==> Firecracker: GET ${path}\n${told}\n`;
    });
    return (await Promise.all(parts)).join("");
  }

  async standsStill(): Promise<string | undefined> {
    const { state } = await this.options.api.request("GET", "/") as {
      state: string;
    };
    if (state !== "Running") return `Firecracker says that it is "${state}"`;
  }

  protected meaning(status: Deno.CommandStatus): string | undefined {
    // A reset ends it, by whatever the guest came to it.
    if (status.success) return "the guest reset itself, which ends it";
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
    for (let asked = 0; asked < ASKED; asked++) {
      try {
        const signal = AbortSignal.timeout(SIGN_OF_LIFE * 1000);
        (await this.options.vsock.dial(signal)).close();
      } catch {
        this.#hasPoweredOff = true;
        return this.endFor("the guest powered off");
      }
      await delay(SIGN_OF_LIFE / 2);
    }
  }

  async #change(state: VmState["state"]): Promise<void> {
    await this.options.api.request("PATCH", "/vm", { state } satisfies VmState);
  }
}
