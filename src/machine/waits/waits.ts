import { shellQuote } from "../../shell/mod.ts";
import { TestFailure } from "../../errors.ts";
import { delay, limitOf, orAbort } from "../../time/mod.ts";
import { glimpseText, observe } from "../commands/glimpse.ts";
import type { MachineCore } from "../core.ts";
import { withLook } from "../last_look.ts";
import { untilHolds } from "./guest_loop.ts";
import { DEFAULT_TIMEOUT, LAST_LOOK, type WaitOptions } from "./timeout.ts";

/** Seconds between two looks that cost a process or a picture. */
const SHORTEST_PAUSE = 0.05;

/** See {@linkcode BaseMachine.waitForFile}. */
export function waitForFile(
  core: MachineCore,
  filename: string,
  options: WaitOptions,
): Promise<void> {
  const quoted = shellQuote(filename);
  // The name may be a pattern of the shell, or only look like one. A name that
  // is no word of the shell, for example with a single quote, stands only for
  // itself.
  const exists = /[*?[\]$`~"'\\{}]/.test(filename)
    ? `{ [ -e ${quoted} ] || { set +u; set --; eval ${
      shellQuote(`set -- ${filename}`)
    }; [ -e "\${1-}" ]; }; }`
    : `[ -e ${quoted} ]`;
  return waitFor(core, `waiting for file '${filename}'`, exists, options, {
    seen: `ls -lad -- ${quoted} "$(dirname -- ${quoted})" 2>&1`,
  });
}

/** Options of a wait in the guest. */
export interface Look {
  /** Functions of the shell that the condition needs. */
  prepare?: string;
  /** A command that shows the present state, for the message of a failure. */
  seen: string;
  /**
   * Turns the command's output into a sentence; without it, the message quotes
   * the output.
   */
  tell?: (output: string) => string;
}

/** Waits in the guest until `condition` holds. */
export function waitFor(
  core: MachineCore,
  text: string,
  condition: string,
  options: WaitOptions,
  { prepare = "", seen, tell = (output) => output }: Look,
): Promise<void> {
  const timeout = limitOf(options.timeout, DEFAULT_TIMEOUT);
  return core.waiting(text, async () => {
    const { status, timedOut } = await withLook(
      core.name,
      async () => tell(await glimpseText(core, seen)),
      async () => {
        const wait = `${prepare}\n${untilHolds(condition)}`;
        const result = await core.run(wait, { timeout });
        if (!result.timedOut) return result;
        // A slow guest may not have looked even once.
        const once = `${prepare}\n{ ${condition}; } 2>/dev/null || exit 1`;
        const last = await core.run(once, { timeout: LAST_LOOK });
        return last.status === 0 ? last : result;
      },
    );
    if (status === 0) return;
    throw new TestFailure(
      `${text} ` +
        (timedOut
          ? `timed out after ${timeout} seconds`
          : `ended with status ${status}`) +
        `; last seen:\n${tell(await observe(core, seen))}`,
    );
  });
}

/**
 * Waits until a report of a loop in the guest fits. Reports end with NUL.
 *
 * @param how.seen A command that tells why there is no report.
 */
export function waitForReport(
  core: MachineCore,
  text: string,
  failure: string,
  loop: string,
  accept: (report: string) => boolean,
  options: WaitOptions,
  { seen }: Pick<Look, "seen">,
): Promise<void> {
  const timeout = limitOf(options.timeout, DEFAULT_TIMEOUT);
  const found = new DOMException("What was waited for is there", "AbortError");
  return core.waiting(text, async () => {
    const stop = new AbortController();
    const decoder = new TextDecoder();
    let report = "";
    let last = "";
    const look = async () => last || await glimpseText(core, seen);
    try {
      await withLook(core.name, look, () =>
        core.run(loop, {
          timeout,
          signal: stop.signal,
          onStdout: (chunk) => {
            const reports = (report + decoder.decode(chunk, { stream: true }))
              .split("\0");
            report = reports.pop()!;
            for (last of reports) if (accept(last)) stop.abort(found);
          },
        }));
    } catch (error) {
      if (error === found) return;
      throw error;
    }
    const now = await observe(core, seen);
    if (accept(now)) return;
    throw new TestFailure(
      `${failure} in ${timeout} seconds; last seen:\n${now || "nothing"}`,
    );
  });
}

/** Asks again and again; the pauses depend on the cost of a question. */
export function askUntil<T>(
  core: MachineCore,
  text: string,
  failure: string,
  ask: (check: () => Promise<void>) => Promise<T>,
  accept: (answer: T) => boolean,
  options: WaitOptions,
): Promise<void> {
  const timeout = limitOf(options.timeout, DEFAULT_TIMEOUT);
  let seen = "";
  return core.whileUp((signal, check) =>
    core.waiting(text, () =>
      withLook(core.name, () => seen, async () => {
        await orAbort(core.connect(), signal);
        const began = performance.now();
        while (true) {
          const asked = performance.now();
          const answer = await ask(check);
          if (accept(answer)) return;
          seen = typeof answer === "string" ? answer : JSON.stringify(answer);
          const now = performance.now();
          // The last look comes when the time is over, also where the driver
          // stood still until then.
          if (asked - began >= timeout * 1000) {
            throw new TestFailure(
              `${failure} in ${timeout} seconds; last seen:\n${seen}`,
            );
          }
          const pause = Math.max(SHORTEST_PAUSE, (now - asked) / 1000);
          const rest = Math.max(0, timeout - (now - began) / 1000);
          await delay(Math.min(pause, rest), signal);
        }
      }))
  );
}

/** Whether it is the turn of a look that costs more than the others. */
export function isTurn(looks: number): string {
  return `(( (vw_looks = (\${vw_looks:-0} + 1) % ${looks}) == 1 ))`;
}
