import { removeTree } from "./remove_tree.ts";
import guardScript from "./guard.sh" with { type: "text" };

/**
 * The environment variable that every process of a run inherits: the run's
 * token and, after a dot, the number of the spawned command.
 */
const MARK = "VMWRIGHT_RUN";

/** How a process is started. */
export interface SpawnOptions {
  /** The working directory. */
  cwd?: string;
  /** Variables beside those of the driver. */
  env?: Record<string, string>;
  /**
   * The kinds of stdin, stdout and stderr.
   *
   * @default {"piped"}
   */
  stdio?: "piped" | "inherit";
  /**
   * Whether the process cleans up at SIGTERM outside of the run's directories.
   * Then it gets time for that, even in an emergency.
   */
  cleansUp?: boolean;
}

/** A process with pipes to its stdin, stdout and stderr. */
export type PipedProcess = Deno.ChildProcess;

/**
 * Owns the processes and directories of a run, and ends them: when it is
 * disposed, at once in an emergency, and by a guard in another process if the
 * driver itself is killed.
 */
export class Supervisor implements AsyncDisposable {
  readonly #token = crypto.randomUUID();
  readonly #groups = new Set<number>();
  /** The groups that clean up after themselves. */
  readonly #cleaning = new Set<number>();
  readonly #marks = new WeakMap<PipedProcess, string>();
  readonly #directories = new Set<string>();
  readonly #guard: Deno.ChildProcess;
  readonly #guardInput: WritableStreamDefaultWriter<Uint8Array>;
  /**
   * The same pipe, for synchronous writes: an asynchronous one would never end
   * while a script blocks the thread. Absent if /proc hides it.
   */
  readonly #guardPipe?: Deno.FsFile;
  #spawned = 0;
  #disposed?: Promise<void>;

  constructor() {
    this.#guard = new Deno.Command("/bin/sh", {
      args: ["-c", guardScript, "vmwright-guard", this.#token],
      // Where the driver is itself a process of another run, whose end must not
      // end the guard before its work.
      env: { [MARK]: "" },
      stdin: "piped",
      stdout: "null",
      stderr: "null",
      detached: true,
    }).spawn();
    this.#guardInput = this.#guard.stdin.getWriter();
    try {
      this.#guardPipe = Deno.openSync(`/proc/${this.#guard.pid}/fd/0`, {
        write: true,
      });
    } catch {
      // Then the guard gets messages a moment later.
    }
  }

  /** Runs `command` through `/bin/sh`, in a process group of its own. */
  spawn(command: string, options: SpawnOptions = {}): PipedProcess {
    const { stdio = "piped" } = options;
    const mark = `${this.#token}.${this.#spawned++}`;
    const process = new Deno.Command("/bin/sh", {
      args: ["-c", command],
      cwd: options.cwd,
      env: { ...options.env, [MARK]: mark },
      stdin: stdio,
      stdout: stdio,
      stderr: stdio,
      detached: true,
    }).spawn();
    this.#marks.set(process, mark);
    this.#groups.add(process.pid);
    this.#tell(`group ${process.pid}`);
    if (options.cleansUp) {
      this.#cleaning.add(process.pid);
      this.#tell(`cleaning ${process.pid}`);
    }
    return process;
  }

  /**
   * Sends a signal to a process that {@linkcode spawn} has started, and to its
   * group.
   */
  kill(process: PipedProcess, signal: Deno.Signal = "SIGTERM"): void {
    signalGroup(process.pid, signal);
  }

  /**
   * Ends the children of a process that {@linkcode spawn} has started and that
   * has ended, even children that have left its group.
   */
  reap(process: PipedProcess): void {
    if (!this.#groups.delete(process.pid)) return;
    this.#cleaning.delete(process.pid);
    signalGroup(process.pid, "SIGKILL");
    endMarked(`${this.#marks.get(process)}\0`);
    this.#tell(`ungroup ${process.pid}`);
  }

  /**
   * Ends a process group at the end of the run that {@linkcode spawn} can't
   * see, such as that of a container.
   */
  adopt(group: number): void {
    this.#groups.add(group);
    this.#tell(`group ${group}`);
  }

  /** Ends a process group that was adopted, if it still exists. */
  endAdopted(group: number): void {
    if (!this.#groups.delete(group)) return;
    signalGroup(group, "SIGKILL");
    this.#tell(`ungroup ${group}`);
  }

  /**
   * Makes a directory for its owner alone, and removes it at the end of the
   * run. The guard knows of it before it exists.
   *
   * @param base The directory above it.
   * @param prefix The beginning of its name.
   */
  makeDirectory(base: string, prefix: string): string {
    while (true) {
      const random = crypto.getRandomValues(new Uint8Array(6)).toHex();
      const path = `${base}/${prefix}${random}`;
      this.own(path);
      try {
        Deno.mkdirSync(path, { mode: 0o700 });
        return path;
      } catch (error) {
        this.disown(path);
        if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      }
    }
  }

  /** Removes `directory` at the end of the run, whatever that end is. */
  own(directory: string): void {
    this.#directories.add(directory);
    this.#tell(`directory ${escaped(directory)}`);
  }

  /** Does not remove `directory` at the end of the run. */
  disown(directory: string): void {
    this.#directories.delete(directory);
    this.#tell(`undirectory ${escaped(directory)}`);
  }

  /**
   * Ends everything now, without waiting, for an emergency exit. Processes that
   * clean up after themselves get SIGTERM, and the guard ends them when the
   * driver is gone. Returns whether the guard has nothing left to do.
   */
  killNow(): boolean {
    for (const group of this.#groups) {
      signalGroup(group, this.#cleaning.has(group) ? "SIGTERM" : "SIGKILL");
    }
    // The guard waits for them, and then does the rest.
    if (this.#cleaning.size > 0) return false;
    endMarked(`${this.#token}.`);
    endInside([...this.#directories]);
    for (const directory of this.#directories) {
      try {
        removeTree(directory);
        this.#directories.delete(directory);
      } catch {
        // The guard does more.
      }
    }
    return this.#directories.size === 0;
  }

  /** Ends all processes, removes all directories, and ends the guard. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#disposed ??= (async () => {
      if (this.killNow()) this.#tell("end");
      this.#groups.clear();
      this.#cleaning.clear();
      this.#guardPipe?.close();
      await this.#guardInput.close().catch(() => {});
      await this.#guard.status;
    })();
  }

  #tell(line: string): void {
    const bytes = new TextEncoder().encode(`${line}\n`);
    if (this.#guardPipe === undefined) {
      this.#guardInput.write(bytes).catch(() => {});
      return;
    }
    try {
      this.#guardPipe.writeSync(bytes);
    } catch {
      // The guard was killed, so there is none.
    }
  }
}

/**
 * Ends processes without a terminal whose working directory is below one of
 * these directories: they belong to a start script, even if they have left its
 * group and cleared their environment. A person who looks around there has a
 * terminal.
 */
function endInside(directories: readonly string[]): void {
  const places = directories.flatMap((directory) => {
    try {
      return [Deno.realPathSync(directory)];
    } catch {
      return [];
    }
  });
  if (places.length === 0) return;
  for (const pid of allProcesses()) {
    try {
      const place = Deno.readLinkSync(`/proc/${pid}/cwd`);
      const isInside = places.some((directory) =>
        `${place}/`.startsWith(`${directory}/`)
      );
      if (!isInside || pid === Deno.pid) continue;
      const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
      const [, , , , terminal] = stat.slice(stat.lastIndexOf(")") + 2)
        .split(" ");
      if (terminal === "0") signal(pid, "SIGKILL");
    } catch {
      // The process has ended, or belongs to another user.
    }
  }
}

/** The numbers of all processes. */
function allProcesses(): number[] {
  try {
    return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name))
      .filter(Number.isInteger);
  } catch {
    return [];
  }
}

/** Writes a path as one line, for `printf %b`. */
function escaped(path: string): string {
  return path.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

/**
 * Ends processes by their mark, and also the processes that they start
 * meanwhile.
 */
function endMarked(mark: string): void {
  for (let tries = 0; tries < 100; tries++) {
    const { marked, unclear } = markedProcesses(mark);
    if (marked.length === 0 && !unclear) return;
    for (const pid of marked) signal(pid, "SIGKILL");
  }
}

/**
 * Finds the processes whose environment has a mark with this beginning, and
 * whether that is not known yet of some processes.
 */
function markedProcesses(
  mark: string,
): { marked: number[]; unclear: boolean } {
  const wanted = `${MARK}=${mark}`;
  const latin1 = new TextDecoder("latin1");
  const marked: number[] = [];
  let unclear = false;
  for (const pid of allProcesses()) {
    try {
      const environment = Deno.readFileSync(`/proc/${pid}/environ`);
      if (latin1.decode(environment).includes(wanted)) marked.push(pid);
      else if (environment.length === 0) unclear ||= isChanging(pid);
    } catch {
      // The process has ended, or belongs to another user.
    }
  }
  return { marked, unclear };
}

/**
 * Whether a process without an environment is in the middle of execve(2),
 * during which the kernel shows neither the old environment nor the new one.
 */
function isChanging(pid: number): boolean {
  // Processes of the kernel, and dead ones, have no program.
  Deno.readLinkSync(`/proc/${pid}/exe`);
  return Deno.readFileSync(`/proc/${pid}/cmdline`).length === 0 ||
    Deno.readFileSync(`/proc/${pid}/environ`).length > 0;
}

function signalGroup(pid: number, name: Deno.Signal): void {
  signal(-pid, name);
}

function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch {
    // The process has ended already.
  }
}
