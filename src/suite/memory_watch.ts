/** Seconds between two looks. */
const INTERVAL = 1;

/** The measured memory of a process and its descendants. */
export interface MemoryUse {
  /** Bytes at the last look. */
  now: number;
  /** Bytes at most; nothing if it ended before the first look. */
  peak?: number;
}

/**
 * Measures the memory of processes and their descendants again and again:
 * memory of their own, and shared memory that is in no file.
 */
export class MemoryWatch implements Disposable {
  readonly #uses = new Map<number, MemoryUse>();
  readonly #timer = setInterval(() => this.#look(), INTERVAL * 1000);
  /** Bytes that all had together at the last look. */
  now = 0;
  /** Bytes that all had together at most. */
  peak = 0;

  /** Watches a process from now on, until it is over. */
  add(pid: number): MemoryUse {
    const use: MemoryUse = { now: 0 };
    this.#uses.set(pid, use);
    return use;
  }

  /** Watches a process no more. */
  remove(pid: number): void {
    this.#uses.delete(pid);
  }

  /** Ends the watch. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    if (this.#uses.size === 0) {
      this.now = 0;
      return;
    }
    const children = childrenOfAll();
    let sum = 0;
    for (const [pid, use] of this.#uses) {
      use.now = 0;
      const seen = new Set<number>();
      for (const left = [pid]; left.length > 0;) {
        const one = left.pop()!;
        if (seen.has(one)) continue;
        seen.add(one);
        use.now += memoryOf(one);
        left.push(...children.get(one) ?? []);
      }
      if (use.now > 0) use.peak = Math.max(use.peak ?? 0, use.now);
      sum += use.now;
    }
    this.now = sum;
    this.peak = Math.max(this.peak, sum);
  }
}

/** The children of each process. */
function childrenOfAll(): Map<number, number[]> {
  const children = new Map<number, number[]>();
  let entries: Deno.DirEntry[];
  try {
    entries = [...Deno.readDirSync("/proc")];
  } catch {
    return children;
  }
  for (const { name } of entries) {
    if (!/^\d+$/.test(name)) continue;
    const stat = read(`/proc/${name}/stat`);
    // The name of the program may have spaces and parentheses.
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    const own = children.get(parent);
    if (own === undefined) children.set(parent, [Number(name)]);
    else own.push(Number(name));
  }
  return children;
}

/** Bytes of memory that a process has, without files that the host can drop. */
function memoryOf(pid: number): number {
  const status = read(`/proc/${pid}/status`);
  let kibibytes = 0;
  for (
    const [, number] of status.matchAll(/^Rss(?:Anon|Shmem):\s+(\d+) kB$/gm)
  ) kibibytes += Number(number);
  return kibibytes * 1024;
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // The process has ended.
    return "";
  }
}
