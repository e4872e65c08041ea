import { directoryOf } from "../paths.ts";
import { rejection } from "../time/mod.ts";
import { Uncaught, WarmChecker } from "../script/mod.ts";
import { Interruption } from "./interruption.ts";
import { runOnKept } from "./kept_machines.ts";
import type { Plan } from "./plan.ts";
import {
  type DriverUse,
  messageOf,
  runOnce,
  type RunOnceOptions,
  tellAddresses,
} from "./run_once.ts";
import { canCheck, namesIn } from "./type_errors.ts";
import { judge, type Judgement } from "./verdict.ts";

/**
 * Runs the test, and again whenever the script or a file that it imports has
 * changed, until the signal is aborted.
 *
 * Each run starts the machines anew, and a change during a run ends it. With
 * `keepMachines` the machines stay, and a change does not end a run.
 *
 * @param plan What to run.
 * @param given The options of each run. The signal ends the watch.
 * @returns How it ended.
 */
export async function watch(
  plan: Plan,
  given: RunOnceOptions,
): Promise<Judgement> {
  const { signal } = given;
  const { path } = plan.script!;
  let changes = new Changes([path!]);
  await using checker = canCheck(plan)
    ? new WarmChecker(namesIn(plan))
    : undefined;
  const options: RunOnceOptions = {
    ...given,
    checker,
    onFile: (file) => changes.add(file),
  };
  // A script may go on after its run, and fail between two runs.
  using idle = new Uncaught((error) =>
    console.error(`vmwright: after the end of a run: ${messageOf(error)}`)
  );
  idle.scriptEnded();
  const waitForChange = async () => {
    console.error(`vmwright: waiting for a change of ${path}`);
    await Promise.race([changes.next, rejection(signal)]);
  };
  const begin = () => {
    changes[Symbol.dispose]();
    changes = new Changes([path!]);
  };

  if (plan.keepMachines) {
    const use = async (test: DriverUse) => {
      tellAddresses(test.driver, plan);
      for (;; begin()) {
        using _check = await runOnKept(test);
        await waitForChange();
      }
    };
    return await runOnce(plan, { ...options, use });
  }

  for (;; begin()) {
    const change = new AbortController();
    changes.next.then((file) =>
      change.abort(new Interruption(`${file} changed`, 0))
    );
    options.signal = AbortSignal.any([signal, change.signal]);
    await runOnce(plan, options);
    if (!signal.aborted && !change.signal.aborted) {
      await waitForChange().catch(() => {});
    }
    if (signal.aborted) return judge({ error: signal.reason });
  }
}

/** Waits for the next change of a file in a growing set. */
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
        // While an editor writes a file anew, the file is empty for a moment.
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
