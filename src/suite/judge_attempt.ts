import type { RunEvent } from "../report/mod.ts";
import { exitCodes } from "../run/exit_codes.ts";
import { bounded, MOST_LINES } from "./reason.ts";
import type { AttemptVerdict } from "./results.ts";

/** Bytes at the end of the output that may tell a reason. */
const OUTPUT_END = 8192;

/** What is known of an attempt whose process is over. */
export interface EndedAttempt {
  /** The end that it reported itself; nothing if it could not. */
  readonly told?: RunEvent<"runEnded">;
  /** How its process ended. */
  readonly status: Deno.CommandStatus;
  /** The path of the file that holds what it wrote. */
  readonly output: string;
  /** Why it was killed, if it did not end in time. */
  readonly late?: string;
  /** Whether it was asked to end, because the suite ends. */
  readonly isInterrupted: boolean;
  /** Whether the kernel killed a process for its memory meanwhile. */
  readonly lackedMemory: boolean;
}

/** Judges an attempt, and says in a few lines why it did not pass. */
export function judgeAttempt(
  { told, status, output, late, isInterrupted, lackedMemory }: EndedAttempt,
): { verdict: AttemptVerdict; reason?: string } {
  if (late !== undefined) return { verdict: "timeout", reason: late };
  if (isInterrupted && told?.verdict !== "passed") {
    return { verdict: "unfinished", reason: "the suite was interrupted" };
  }
  if (told?.verdict === "passed" && status.code === exitCodes.passed) {
    return { verdict: "passed" };
  }
  if (told?.verdict === "failed" || told?.verdict === "timeout") {
    const { verdict, detail, error } = told;
    const why = detail ?? (error && `${error.name}: ${error.message}`) ?? "";
    return { verdict, reason: bounded(why) };
  }
  if (status.signal !== null) {
    const hint = lackedMemory
      ? "; meanwhile the host ran out of memory, and its kernel killed a process"
      : "";
    const reason = `its process was ended by ${status.signal}${hint}`;
    return { verdict: "crashed", reason };
  }
  switch (status.code) {
    case exitCodes.timeout:
      // The process could no longer write an event.
      return {
        verdict: "timeout",
        reason: bounded(
          `its script blocked the process until the timeout\n${endOf(output)}`,
        ),
      };
    case exitCodes.misused:
      return { verdict: "failed", reason: bounded(endOf(output)) };
  }
  const what = `its process ended with status ${status.code}`;
  return {
    verdict: "crashed",
    reason: bounded(`${what}, without a verdict\n${endOf(output)}`),
  };
}

/** The last lines of a file. */
function endOf(path: string): string {
  try {
    using file = Deno.openSync(path);
    const { size } = file.statSync();
    const bytes = new Uint8Array(Math.min(size, OUTPUT_END));
    file.seekSync(size - bytes.length, Deno.SeekMode.Start);
    const count = file.readSync(bytes) ?? 0;
    const text = new TextDecoder().decode(bytes.subarray(0, count));
    return text.trimEnd().split("\n").slice(-MOST_LINES + 2).join("\n");
  } catch {
    return "";
  }
}
