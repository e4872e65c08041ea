import { directoryOf } from "../paths.ts";

/** Waits for the next change of a file in a growing set. */
export class Changes implements Disposable {
  /** The path of the file that changed first. */
  readonly next: Promise<string>;
  readonly #resolve: (path: string) => void;
  readonly #files = new Map<string, string>();
  readonly #watchers = new Map<string, Deno.FsWatcher>();

  /** Takes the first files, as they are now. */
  constructor(files: readonly string[]) {
    ({ promise: this.next, resolve: this.#resolve } = Promise.withResolvers());
    for (const file of files) this.add(file);
  }

  /** Watches one more file, by its directory, because editors replace files. */
  add(path: string): void {
    const file = Deno.realPathSync(path);
    if (this.#files.has(file)) return;
    this.#files.set(file, contents(file));
    const directory = directoryOf(file);
    if (this.#watchers.has(directory)) return;
    const watcher = Deno.watchFs(directory, { recursive: false });
    this.#watchers.set(directory, watcher);
    this.#look(watcher);
  }

  /** The files that have changed, by their real paths. */
  changed(): string[] {
    return [...this.#files].filter(([path, was]) => contents(path) !== was)
      .map(([path]) => path);
  }

  /** Watches no more. */
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
        // While an editor rewrites a file, the file is empty for a moment.
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
