import type { SerialConsole } from "../../console/mod.ts";
import { type RunResult, ServerLost, type Shell } from "../../shell/mod.ts";
import { checkTimeout, orAbort } from "../../time/mod.ts";
import { noteLook } from "../last_look.ts";
import { QUOTED_LINES } from "./output.ts";
import type { SerialMarks } from "./serial_marks.ts";
import { StderrPlace } from "./stderr.ts";

/** Options of a command. */
export interface CommandOptions {
  /**
   * Seconds that the command may take; `null`: no limit.
   *
   * @default {null}
   */
  timeout?: number | null;
  /**
   * Where stderr goes.
   *
   * @default {"serial"}
   */
  stderr?: "serial" | "merge" | "separate";
  /**
   * Gets stdout as it comes. If it returns a promise, the command waits for
   * that.
   */
  onStdout?: (chunk: Uint8Array) => void | Promise<void>;
  /** Gets stderr as it comes, if it is separate. */
  onStderr?: (chunk: Uint8Array) => void;
  /** The command's stdin. The command has to read all of it. */
  stdin?: AsyncIterable<Uint8Array>;
  /** Ends the command. */
  signal?: AbortSignal;
  /**
   * Makes the end of the message, if something else ends the command: its last
   * output, and what the message says of its stderr.
   */
  tellLast?: (stderr: string) => string;
  /** Called when the guest was sent the command. */
  onSent?: () => void;
  /** Called first. If it fails, so does the run. */
  check?: () => Promise<void>;
}

/** How a command ended. */
export interface CommandResult extends RunResult {
  /**
   * Makes the end of a failure's message of the command's last lines on the
   * serial port, which gets its stderr; empty if there are none. Call it soon:
   * the serial port gets the stderr of later commands too.
   */
  lastStderr(): Promise<string>;
}

/** The parts of a machine that its commands use. */
export interface CommandedMachine {
  readonly name: string;
  readonly console: SerialConsole;
  /** The guest's shell; nothing if the guest does not run. */
  readonly shell: Shell | undefined;
  /** Runs an action. Polling conditions must hold meanwhile. */
  watched<T>(fn: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Waits until the guest's shell takes commands. */
  connect(): Promise<void>;
  /** Runs what uses the shell. If the machine breaks meanwhile, the error tells how. */
  guarded<T>(fn: () => Promise<T>): Promise<T>;
  /** @throws {MachineError} if the machine is not running. */
  running(): { readonly shell: Shell };
}

/** The commands that run in a guest. */
export class GuestCommands {
  readonly #machine: CommandedMachine;
  readonly #marks: SerialMarks;
  /** Those that run now and whose stderr goes to the serial port. */
  readonly #running = new Set<StderrPlace>();

  /** Takes the machine, and the marks in the bytes of its serial port. */
  constructor(machine: CommandedMachine, marks: SerialMarks) {
    this.#machine = machine;
    this.#marks = marks;
  }

  /** Runs a command. Polling conditions must hold meanwhile. */
  run(command: string, options: CommandOptions = {}): Promise<CommandResult> {
    checkTimeout(options.timeout);
    const machine = this.#machine;
    return machine.watched(async (signal) => {
      await options.check?.();
      // A race with the signal is dear, and most commands find a shell.
      if (!machine.shell?.connected) await orAbort(machine.connect(), signal);
      const place = options.stderr === "merge"
        ? undefined
        : new StderrPlace(machine.console, this.#running);
      try {
        const result = await machine.guarded(() =>
          machine.running().shell.run(command, {
            ...options,
            timeout: options.timeout ?? undefined,
            signal: options.signal === undefined
              ? signal
              : AbortSignal.any([signal, options.signal]),
            onSent: () => {
              place?.begin();
              options.onSent?.();
            },
          }).catch(async (error) => {
            throw await this.#withKiller(error, place);
          })
        );
        return { ...result, lastStderr: () => this.#lastStderr(place) };
      } catch (error) {
        const { tellLast } = options;
        if (tellLast !== undefined) {
          noteLook(
            error,
            machine.name,
            () => tellLast(place?.quote(QUOTED_LINES) ?? "").slice(2),
          );
        }
        throw error;
      } finally {
        place?.end();
      }
    });
  }

  async #lastStderr(place: StderrPlace | undefined): Promise<string> {
    if (place === undefined) return "";
    await this.#serialArrived();
    const victims = place.victims().map(({ process, name }) =>
      `; the guest's kernel killed ${name} (process ${process}) meanwhile, ` +
      "because memory ran out"
    );
    return victims.join("") + place.quote(QUOTED_LINES);
  }

  /**
   * Waits until everything has arrived that the guest has written to its serial
   * port.
   */
  async #serialArrived(): Promise<void> {
    const { shell } = this.#machine;
    // Without a serial port everything has arrived.
    if (!shell?.connected) return;
    await this.#marks.arrived((mark) => shell.writeStderr(mark))
      .catch(() => {});
  }

  /**
   * Adds to the loss of a command's shell what has killed it, if that is known.
   */
  async #withKiller(error: unknown, place?: StderrPlace): Promise<unknown> {
    if (!(error instanceof ServerLost)) return error;
    await this.#serialArrived();
    const isVictim = place?.victims().some(({ process }) =>
      process === error.death.process
    );
    return isVictim
      ? new ServerLost(
        error.death,
        "by the guest's kernel, because memory ran out",
      )
      : error;
  }
}
