import { Emergency } from "./emergency.ts";
import { interruptionBy, onInterruption } from "./interruption.ts";
import type { Plan } from "./plan.ts";
import { runOnce } from "./run_once.ts";
import type { Judgement } from "./verdict.ts";
import { Watchdog } from "./watchdog.ts";

/**
 * Runs a test by a plan: once, or again and again under watch. A signal that
 * asks the process to end ends the run in order.
 *
 * @param plan What to run.
 * @param given Ends the run with the signal's reason.
 * @returns How it ended.
 * @throws {UsageError} if nothing could be started.
 */
export async function run(
  plan: Plan,
  given?: AbortSignal,
): Promise<Judgement> {
  const stop = new AbortController();
  const emergency = new Emergency();
  using _signals = onInterruption(
    (interruption) => stop.abort(interruption),
    (exitCode) => emergency.exit(exitCode),
  );
  // A script in Python runs in another process, and can't block this one.
  using watchdog = plan.language === "typescript" ? new Watchdog() : undefined;
  const onAbort = () => stop.abort(interruptionBy(given!.reason));
  if (given?.aborted) onAbort();
  given?.addEventListener("abort", onAbort);
  try {
    const options = { signal: stop.signal, emergency, watchdog };
    if (!plan.watch) return await runOnce(plan, options);
    const { watch } = await import("./watch.ts");
    return await watch(plan, options);
  } finally {
    given?.removeEventListener("abort", onAbort);
  }
}
