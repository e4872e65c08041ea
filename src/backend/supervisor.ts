import { removeTree } from "./remove_tree.ts";
import guardScript from "./guard.sh" with { type: "text" };

/**
 * The environment variable that every process of a run inherits: the run's
 * token and, behind a dot, the number of what was spawned.
 */
const MARK = "VMWRIGHT_RUN";

/** How a process is started. */
export interface SpawnOptions {
  /** The working directory. */
  cwd?: string;
  /** Variables beside those of the driver. */
  env?: Record<string, string>;
  /** What stdin, stdout and stderr are; pipes by default. */
  stdio?: "piped" | "inherit";
  /**
   * Whether it takes away at SIGTERM what it made outside of this run's
   * directories, and so may have some time for that in an emergency.
   */
  cleansUp?: boolean;
}

/** A process with pipes to its stdin, stdout and stderr. */
export type PipedProcess = Deno.ChildProcess;

/**
 * Owns the processes and directories of a run, and sees to their end: when it
 * is disposed of, at once in an emergency, and, by a guard outside, when the
 * driver itself is killed.
 */
export class Supervisor implements AsyncDisposable {
  readonly #token = crypto.randomUUID();
  readonly #groups = new Set<number>();
  /** Those of the groups that clean up after themselves. */
  readonly #cleaning = new Set<number>();
  readonly #marks = new WeakMap<PipedProcess, string>();
  readonly #directories = new Set<string>();
  readonly #guard: Deno.ChildProcess;
  readonly #guardInput: WritableStreamDefaultWriter<Uint8Array>;
  /**
   * The same pipe, for writes that are over at once: a script may never let go
   * of the thread that would go on with one. Absent where /proc hides it.
   */
  readonly #guardPipe?: Deno.FsFile;
  #spawned = 0;
  #disposed?: Promise<void>;

  constructor() {
    this.#guard = new Deno.Command("/bin/sh", {
      args: ["-c", guardScript, "vmwright-guard", this.#token],
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
      // Then the guard hears of things a moment later.
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

  /** Signals a process that {@linkcode spawn} started, and its group. */
  kill(process: PipedProcess, signal: Deno.Signal = "SIGTERM"): void {
    signalGroup(process.pid, signal);
  }

  /**
   * Ends what is left of a process that {@linkcode spawn} started, once it has
   * ended itself: its children, also where they left its group.
   */
  reap(process: PipedProcess): void {
    if (!this.#groups.delete(process.pid)) return;
    this.#cleaning.delete(process.pid);
    signalGroup(process.pid, "SIGKILL");
    endMarked(`${this.#marks.get(process)}\0`);
    this.#tell(`ungroup ${process.pid}`);
  }

  /**
   * Ends a process group at the end of the run, which left the sight of
   * {@linkcode spawn} as what runs in a container does.
   */
  adopt(group: number): void {
    this.#groups.add(group);
    this.#tell(`group ${group}`);
  }

  /** Ends a process group that was adopted, if it is there. */
  endAdopted(group: number): void {
    if (!this.#groups.delete(group)) return;
    signalGroup(group, "SIGKILL");
    this.#tell(`ungroup ${group}`);
  }

  /**
   * Makes a directory, for its owner alone, that is removed at the end of the
   * run; the guard knows of it before it is there.
   *
   * @param base The directory that it is made in.
   * @param prefix What its name begins with.
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

  /** Has `directory` removed at the end of the run, whatever end that is. */
  own(directory: string): void {
    this.#directories.add(directory);
    this.#tell(`directory ${escaped(directory)}`);
  }

  /** Leaves `directory` in place after all. */
  disown(directory: string): void {
    this.#directories.delete(directory);
    this.#tell(`undirectory ${escaped(directory)}`);
  }

  /**
   * Ends everything now, without waiting: for an emergency exit. Those who
   * clean up after themselves are told to, and ended when the driver is gone.
   * Answers whether nothing is left for the guard to do.
   */
  killNow(): boolean {
    for (const group of this.#groups) {
      signalGroup(group, this.#cleaning.has(group) ? "SIGTERM" : "SIGKILL");
    }
    // The guard waits for them, and does the rest.
    if (this.#cleaning.size > 0) return false;
    endMarked(`${this.#token}.`);
    endInside([...this.#directories]);
    for (const directory of this.#directories) {
      try {
        removeTree(directory);
        this.#directories.delete(directory);
      } catch (error) {
        // Otherwise the guard tries harder.
        if (error instanceof Deno.errors.NotFound) {
          this.#directories.delete(directory);
        }
      }
    }
    return this.#directories.size === 0;
  }

  /** Ends everything that is left, and the guard. */
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
      // Who killed the guard has to do without.
    }
  }
}

/**
 * Ends processes without a terminal whose working directory is in one of these:
 * they are a start script's, though they left its group and cleared their
 * environment. A person who looks around there has a terminal.
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
      // Gone meanwhile, or somebody else's.
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

/** A path as one line, for `printf %b`. */
function escaped(path: string): string {
  return path.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

/** Ends processes by their mark, also those that they start meanwhile. */
function endMarked(mark: string): void {
  for (let tries = 0; tries < 100; tries++) {
    const { marked, unclear } = markedProcesses(mark);
    if (marked.length === 0 && !unclear) return;
    for (const pid of marked) signal(pid, "SIGKILL");
  }
}

/**
 * Processes whose environment holds a mark that begins so, and whether there
 * are some of which that can't be said yet.
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
      // Gone meanwhile, or somebody else's.
    }
  }
  return { marked, unclear };
}

/**
 * Whether a process without an environment is in the middle of execve(2), which
 * shows neither the old environment nor the new one.
 */
function isChanging(pid: number): boolean {
  // The kernel's own processes, and dead ones, have no program.
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
    // Nobody is there any more, which is what was wanted.
  }
}
