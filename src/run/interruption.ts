import { ExpectedError } from "../errors.ts";
import { exitCodes } from "./exit_codes.ts";

/** Something outside asked for the end of the run: a signal, or a saved file. */
export class Interruption extends ExpectedError {
  /** The error's name. */
  override name = "Interruption";

  /** Takes what happened, and the exit status that tells of it. */
  constructor(message: string, readonly exitCode: number) {
    super(message);
  }
}

/** The end of a run that somebody's `AbortSignal` asked for. */
export function interruptionBy(reason: unknown): Interruption {
  if (reason instanceof Interruption) return reason;
  const message = reason instanceof Error ? reason.message : String(reason);
  const interruption = new Interruption(message, exitCodes.interrupted);
  interruption.cause = reason;
  return interruption;
}

/** The signals that end a run, what they mean, and the exit status. */
export const exitSignals = [
  ["SIGINT", "interrupted", exitCodes.interrupted],
  ["SIGTERM", "terminated by SIGTERM", exitCodes.terminated],
  ["SIGHUP", "the terminal was closed", exitCodes.hungUp],
] as const;

/**
 * Listens to the signals that ask a program to end. The first has the run end in
 * order; one more, at once.
 *
 * @param onFirst Told of the first.
 * @param onSecond Told of the second, with the exit status of the first.
 * @returns What stops listening when it is disposed of.
 */
export function onInterruption(
  onFirst: (interruption: Interruption) => void,
  onSecond: (exitCode: number) => void,
): Disposable {
  let first: Interruption | undefined;
  const listeners = exitSignals.map(([signal, message, exitCode]) => {
    const listener = () => {
      if (first !== undefined) return onSecond(first.exitCode);
      first = new Interruption(message, exitCode);
      onFirst(first);
    };
    Deno.addSignalListener(signal, listener);
    return [signal, listener] as const;
  });
  return {
    [Symbol.dispose]() {
      for (const [signal, listener] of listeners) {
        Deno.removeSignalListener(signal, listener);
      }
    },
  };
}
