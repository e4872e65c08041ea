import { UsageError } from "../errors.ts";
import { fileName, requireShortName } from "../machine/file_name.ts";
import type { Log } from "../report/mod.ts";
import type { MachineConfiguration } from "./configuration.ts";
import type { RunDirectories } from "./directories.ts";
import { identifier } from "./identifier.ts";
import type { MachineOf } from "./kinds.ts";
import type { MachineMaker, MachinePlace } from "./machine_maker.ts";
import { nameOf } from "./machine_name.ts";
import type { Member } from "./machine_set.ts";

/**
 * The machines of a run: those that it begins with, and those that its test
 * makes. No two of them have the same name, or files of the same names.
 */
export class RunMachines {
  readonly #log: Log;
  readonly #maker: MachineMaker;
  readonly #directories: RunDirectories;
  readonly #place: Omit<MachinePlace, "sharedDir">;
  readonly #members = new Map<string, Member>();
  /** The machines that the run begins with. */
  readonly #first = new Set<MachineOf>();

  /** Takes the log, what makes machines, and where their files and networks are. */
  constructor(
    log: Log,
    maker: MachineMaker,
    directories: RunDirectories,
    place: Omit<MachinePlace, "sharedDir">,
  ) {
    this.#log = log;
    this.#maker = maker;
    this.#directories = directories;
    this.#place = place;
  }

  /** All machines with their internal parts. */
  get members(): Member[] {
    return [...this.#members.values()];
  }

  /** All machines. */
  get all(): MachineOf[] {
    return this.members.map(({ machine }) => machine);
  }

  /**
   * Makes the machines that the run begins with.
   *
   * @returns The machines, sorted by name.
   * @throws {UsageError} if scripts can't tell two of them apart; otherwise see
   * {@linkcode make}.
   */
  begin(given: readonly (string | MachineConfiguration)[]): MachineOf[] {
    for (const machine of given) {
      const { startCommand, ...rest }: MachineConfiguration =
        typeof machine === "string" ? { startCommand: machine } : machine;
      const made = this.make(startCommand, rest);
      for (const { name } of this.#first) {
        if (identifier(name) !== identifier(made.name)) continue;
        throw new UsageError(
          `Expected machines that scripts can tell apart, got "${name}" and ` +
            `"${made.name}", which are both ${identifier(name)} there`,
        );
      }
      this.#first.add(made);
    }
    return [...this.#first].sort((a, b) =>
      a.name < b.name ? -1 : a.name > b.name ? 1 : 0
    );
  }

  /**
   * Makes a machine.
   *
   * @param options.keepState Whether its state directory outlives the run; by
   * default, the run's option.
   * @throws {UsageError} if another machine has the name, or files with the
   * same names, or if the name is too long.
   */
  make(
    startCommand: string,
    options: Omit<MachineConfiguration, "startCommand"> & {
      keepState?: boolean;
    },
  ): MachineOf {
    const { name, backend } = nameOf({ ...options, startCommand });
    this.#makeRoom(name);
    const member = this.#maker.make(
      {
        startCommand,
        name,
        allowReboot: options.allowReboot,
        fastForward: options.fastForward,
        stateDir: this.#directories.state(name, options.keepState),
      },
      backend,
      { ...this.#place, sharedDir: this.#directories.shared },
    );
    this.#members.set(name, member);
    return member.machine;
  }

  #makeRoom(name: string): void {
    requireShortName(name);
    for (const other of this.#members.keys()) {
      if (other !== name && fileName(other) === fileName(name)) {
        throw new UsageError(
          `Expected machines with files of their own, got "${other}" and ` +
            `"${name}", whose files are both named ${fileName(name)}`,
        );
      }
    }
    const other = this.#members.get(name)?.machine;
    if (other === undefined) return;
    if (this.#first.has(other) || other.booted) {
      throw new UsageError(
        `Expected machines with names of their own, got two named "${name}"`,
      );
    }
    // A script that runs again makes its machines again.
    this.#members.delete(name);
    other[Symbol.asyncDispose]().catch((error) =>
      this.#log.error(`Error during cleanup: ${error}`)
    );
  }

  /** Ends all machines. Each promise is settled when one is gone. */
  end(): Promise<void>[] {
    return this.all.map((machine) => machine[Symbol.asyncDispose]());
  }
}
