/** A process as /proc shows it. */
export interface Seen {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** All processes whose command line or environment holds `text`. */
export function processesWith(text: string): Seen[] {
  const found: Seen[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === Deno.pid) continue;
    try {
      const command = Deno.readTextFileSync(`/proc/${pid}/cmdline`);
      const environment = Deno.readTextFileSync(`/proc/${pid}/environ`);
      if (!command.includes(text) && !environment.includes(text)) continue;
      const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (state === "Z") continue;
      found.push({
        pid,
        parent: Number(parent),
        command: command.replaceAll("\0", " ").trim(),
      });
    } catch {
      // Gone meanwhile.
    }
  }
  return found;
}

/** Whether a process is there, and not only waits to be reaped. */
export function isAlive(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return !stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z");
  } catch {
    return false;
  }
}

/**
 * Waits until a process of ours or of others is gone, for which there is no
 * event: only its parent is told.
 */
export async function gone(
  isThere: () => boolean,
  seconds = 300,
): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (isThere()) {
    if (performance.now() > end) {
      throw new Error(`it is still there after ${seconds} seconds`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A process whose parent never asks for its end. */
export interface Forgotten extends AsyncDisposable {
  readonly pid: number;
  readonly parent: number;
  /** Ends it: from then on it exits, and stays. */
  end(): Promise<void>;
}

/** Starts a process that exits for as long as a test wants. */
export async function forgotten(): Promise<Forgotten> {
  const parent = new Deno.Command("bash", {
    args: ["-c", "{ read -r; } <&0 & echo $!; exec sleep 1000"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = parent.stdout.getReader();
  const { value } = await output.read();
  return {
    pid: Number(new TextDecoder().decode(value)),
    parent: parent.pid,
    end: () => parent.stdin.close(),
    async [Symbol.asyncDispose]() {
      parent.kill("SIGKILL");
      await parent.status;
      await output.cancel();
    },
  };
}
