import type { Configuration } from "./configuration.ts";
import { Emergency } from "./emergency.ts";
import { onInterruption } from "./interruption.ts";
import { runOnce } from "./run_once.ts";
import { Watchdog } from "./watchdog.ts";

/**
 * `vmwright SCRIPT` and `vmwright eval`.
 *
 * @param configuration What to run.
 * @returns The exit status.
 */
export async function run(configuration: Configuration): Promise<number> {
  const stop = new AbortController();
  const emergency = new Emergency();
  using _signals = onInterruption(
    (interruption) => stop.abort(interruption),
    (exitCode) => emergency.exit(exitCode),
  );
  // Python is a process of its own, and can't block this one.
  using watchdog = configuration.language === "typescript"
    ? new Watchdog()
    : undefined;
  const options = { signal: stop.signal, emergency, watchdog };
  if (configuration.watch) {
    const { watch } = await import("./watch.ts");
    return await watch(configuration, options);
  }
  return await runOnce(configuration, options);
}
