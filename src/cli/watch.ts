import type { Configuration } from "./configuration.ts";
import type { Emergency } from "./emergency.ts";
import { Interruption } from "./interruption.ts";
import { judge } from "./verdict.ts";
import { runOnce } from "./run_once.ts";

/** Somebody saved a file. */
class Changed extends Error {
  /** The error's name. */
  override name = "Changed";

  constructor(path: string) {
    super(`${path} changed`);
  }
}

/**
 * Runs the test, and again whenever the script or a file that it imports has
 * changed, until the signal is aborted. A change during a run ends that.
 *
 * @param configuration What to run.
 * @param signal Ends it all.
 * @param emergency Is told what to do in an emergency.
 * @returns The exit status.
 */
export async function watch(
  configuration: Configuration,
  signal: AbortSignal,
  emergency: Emergency,
): Promise<number> {
  for (let run = 1;; run++) {
    using changes = new Changes([configuration.script!.path!]);
    const stop = new AbortController();
    changes.next.then((path) => stop.abort(new Changed(path)));
    await runOnce(configuration, {
      signal: AbortSignal.any([signal, stop.signal]),
      emergency,
      run,
      onFile: (path) => changes.add(path),
    });
    if (!signal.aborted && !stop.signal.aborted) {
      console.error("vmwright: waiting for a change");
      await Promise.race([changes.next, aborted(signal)]);
    }
    if (signal.aborted) {
      return judge(signal.reason as Interruption).exitCode;
    }
  }
}

/** Sees the next change of any of a growing set of files. */
class Changes implements Disposable {
  /** The path of the file that changed first. */
  readonly next: Promise<string>;
  readonly #resolve: (path: string) => void;
  readonly #files = new Map<string, string>();
  readonly #watchers = new Map<string, Deno.FsWatcher>();

  constructor(files: string[]) {
    ({ promise: this.next, resolve: this.#resolve } = Promise.withResolvers());
    for (const file of files) this.add(file);
  }

  /** Watches one more file: its directory, as editors replace files. */
  add(path: string): void {
    const file = Deno.realPathSync(path);
    if (this.#files.has(file)) return;
    this.#files.set(file, contents(file));
    const directory = file.slice(0, file.lastIndexOf("/")) || "/";
    if (this.#watchers.has(directory)) return;
    const watcher = Deno.watchFs(directory, { recursive: false });
    this.#watchers.set(directory, watcher);
    this.#look(watcher);
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#watchers.values()) watcher.close();
  }

  async #look(watcher: Deno.FsWatcher): Promise<void> {
    for await (const event of watcher) {
      if (event.kind === "access") continue;
      for (const path of event.paths) {
        const known = this.#files.get(path);
        if (known === undefined) continue;
        const now = contents(path);
        // A file that an editor is about to write anew is empty for a moment.
        if (now !== known && now !== "") this.#resolve(path);
      }
    }
  }
}

function contents(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
