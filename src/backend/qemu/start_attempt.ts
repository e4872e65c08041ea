import { QmpClosed } from "../../qmp/mod.ts";
import type { ByteStream } from "../../stream/mod.ts";
import { delay } from "../../time/mod.ts";
import type { GuestListener, StartOptions } from "../backend.ts";
import { socketDirectory } from "../socket_directory.ts";
import type { Supervisor } from "../supervisor.ts";
import { type Adaptation, qemuArguments, SOCKET_NAMES } from "./arguments.ts";
import { generationDevice } from "./generation_device.ts";
import { QemuGuest } from "./guest.ts";
import { panicDevice } from "./panic_device.ts";
import { rivals } from "./rivals.ts";
import { Sockets } from "./sockets.ts";
import { isAvoidable } from "./start_failure.ts";

/**
 * Bytes of the longest name of a socket, also of consoles that are added later.
 */
const LONGEST_NAME = 20;
/** Milliseconds until the author of a start script gets a hint. */
const HINT_MS = 10_000;
/**
 * Milliseconds after QEMU has closed its connections in which the start command
 * ends.
 */
const HANG_UP_MS = 2000;
/** A question about the usual mistake in start scripts. */
const HAND_OVER = 'does the start script hand its arguments, "$@", to QEMU?';

/** Why no guest runs. */
export interface Failure {
  readonly guest?: undefined;
  /** What happened. */
  readonly how: string;
  /** QEMU's last lines on stderr. */
  readonly said: string;
}

/**
 * One run of a start command, until QEMU is connected, or until it is known why
 * it is not.
 */
export class StartAttempt {
  readonly #options: StartOptions;
  readonly #listener: GuestListener;
  readonly #adaptation: Adaptation;
  readonly #supervisor: Supervisor;
  readonly #connectTimeout: number;
  readonly #sockets: Sockets;
  /** Aborted when the attempt is over. */
  readonly #over = new AbortController();
  readonly #panicDevice: string | undefined;

  /**
   * Makes the sockets, and starts nothing.
   *
   * @param connectTimeout Seconds that QEMU may take to connect.
   */
  constructor(
    options: StartOptions,
    listener: GuestListener,
    adaptation: Adaptation,
    supervisor: Supervisor,
    connectTimeout: number,
  ) {
    const { saved, stateDir, startCommand } = options;
    this.#options = saved && adaptation.ownMemory
      ? { ...options, saved: { ...saved, mapped: undefined } }
      : options;
    this.#listener = listener;
    this.#adaptation = adaptation;
    this.#supervisor = supervisor;
    this.#connectTimeout = connectTimeout;
    this.#sockets = new Sockets(
      socketDirectory(stateDir, LONGEST_NAME, supervisor),
    );
    this.#panicDevice = adaptation.withoutPanicDevice
      ? undefined
      : panicDevice(startCommand);
  }

  /**
   * Runs the start command.
   *
   * @returns The guest, or why there is none.
   */
  async run(): Promise<{ guest: QemuGuest } | Failure> {
    const { signal } = this.#options;
    let guest: QemuGuest | undefined;
    const stop = () => guest?.reap();
    this.#hintLater();
    try {
      signal?.throwIfAborted();
      signal?.addEventListener("abort", stop);
      const accepting = Promise.all(
        SOCKET_NAMES.map((name) => this.#sockets.accept(name)),
      );
      guest = this.#spawn();
      const how = await this.#whyNotConnected(guest, accepting);
      if (how !== undefined) return await this.#fail(guest, how);
      await this.#takeUp(guest);
      return { guest };
    } catch (error) {
      stop();
      this.#sockets.hangUp();
      await this.#sockets.remove();
      throw error;
    } finally {
      this.#over.abort();
      signal?.removeEventListener("abort", stop);
    }
  }

  #passed(ms: number): Promise<void> {
    return delay(ms / 1000, this.#over.signal);
  }

  #hintLater(): void {
    this.#passed(HINT_MS).then(() =>
      this.#listener.complaint(
        `QEMU has not connected to the driver in ${HINT_MS / 1000} ` +
          `seconds; ${HAND_OVER}`,
      ), () => {});
  }

  #spawn(): QemuGuest {
    const options = this.#options;
    const process = this.#supervisor.spawn(this.#commandLine(), {
      cwd: options.stateDir,
      env: {
        ...options.env,
        TMPDIR: options.stateDir,
        SHARED_DIR: options.sharedDir,
        USE_TMPDIR: "1",
      },
    });
    const guest: QemuGuest = new QemuGuest(
      process,
      options.name,
      this.#supervisor,
      {
        ...this.#listener,
        // The console stays open for the next attempt.
        serialEnd: () => {
          if (guest.isConnected) this.#listener.serialEnd();
        },
        complaint: (line) => {
          // The next attempt does without this device.
          const isMute = !guest.isConnected &&
            isAvoidable(line, this.#adaptation);
          if (!isMute) this.#listener.complaint(line);
        },
      },
      this.#sockets,
      options,
    );
    return guest;
  }

  #commandLine(): string {
    const { startCommand, vsock, saved, allowReboot, fastForward } =
      this.#options;
    return startCommand.commandLine(qemuArguments({
      socket: (name) => this.#sockets.path(name),
      vsock,
      panicDevice: this.#panicDevice,
      generationDevice: this.#adaptation.withoutGenerationDevice
        ? undefined
        : generationDevice(startCommand),
      incoming: saved !== undefined,
      memory: saved?.mapped?.memory,
      allowReboot: allowReboot ?? false,
      fastForward,
      display: ["DISPLAY", "WAYLAND_DISPLAY"].some((name) =>
        Deno.env.get(name)
      ),
      adaptation: this.#adaptation,
    }));
  }

  /**
   * Waits until QEMU has connected, or can no longer connect.
   *
   * @returns Why it can't; nothing if it is connected.
   */
  #whyNotConnected(
    guest: QemuGuest,
    accepting: Promise<ByteStream[]>,
  ): Promise<string | undefined> {
    return Promise.race([
      accepting.then((streams) => guest.connect(streams))
        .then(() => undefined)
        // QEMU has ended, but a process of the start script may go on.
        .catch((error) =>
          this.#passed(HANG_UP_MS).then(() =>
            error instanceof QmpClosed
              ? "QEMU closed its connections, but the start script still runs"
              : `${error.message}`
          )
        ),
      guest.ended,
      this.#passed(this.#connectTimeout * 1000).then(() =>
        this.#sockets.accepted === 0
          ? "QEMU has not connected to the driver in " +
            `${this.#connectTimeout} seconds; ${HAND_OVER}`
          : "QEMU connected to the driver, and did not greet it over QMP in " +
            `${this.#connectTimeout} seconds`
      ),
    ]);
  }

  /** Ends the processes of a guest that is not connected. */
  async #fail(guest: QemuGuest, why: string): Promise<Failure> {
    let how = why;
    guest.reap();
    const { success } = await guest.status;
    await guest.ended;
    const said = guest.lastWords.lines.join("\n");
    if (success && this.#sockets.accepted === 0) {
      how = "the start script ended with status 0 before QEMU connected to " +
        `the driver; ${HAND_OVER}`;
    }
    if (said !== "" && !how.endsWith(said)) how += `\nit said last:\n${said}`;
    this.#sockets.hangUp();
    return { how, said };
  }

  /** Sets a connected guest up as the driver wants it. */
  async #takeUp(guest: QemuGuest): Promise<void> {
    const { saved } = this.#options;
    if (this.#panicDevice !== undefined) guest.outlivePanic();
    if (saved !== undefined) await guest.load(saved);
    this.#tellOfRivals(guest);
  }

  /** Warns of devices of a start script that come before the driver's own. */
  async #tellOfRivals(guest: QemuGuest): Promise<void> {
    try {
      for (const rival of await rivals(guest.qmp)) {
        this.#listener.complaint(rival);
      }
    } catch {
      // The guest has ended, which is reported elsewhere.
    }
  }
}
