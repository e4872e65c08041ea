import { ExpectedError } from "../errors.ts";
import { exitCodes } from "./exit_codes.ts";

/** A signal or a saved file has ended the run. */
export class Interruption extends ExpectedError {
  /** The error's name. */
  override name = "Interruption";

  /** Takes a description, and the exit status for it. */
  constructor(message: string, readonly exitCode: number) {
    super(message);
  }
}

/** The interruption by the reason of an `AbortSignal`. */
export function interruptionBy(reason: unknown): Interruption {
  if (reason instanceof Interruption) return reason;
  const message = reason instanceof Error ? reason.message : String(reason);
  const interruption = new Interruption(message, exitCodes.interrupted);
  interruption.cause = reason;
  return interruption;
}

/** The signals that end a run, with their meanings and exit statuses. */
export const exitSignals = [
  ["SIGINT", "interrupted", exitCodes.interrupted],
  ["SIGTERM", "terminated by SIGTERM", exitCodes.terminated],
  ["SIGHUP", "the terminal was closed", exitCodes.hungUp],
] as const;

/**
 * Listens to the signals that ask a program to end. The first one ends the run
 * in order, a second one at once.
 *
 * @param onFirst Called for the first signal.
 * @param onSecond Called for the second signal, with the exit status of the
 * first.
 * @returns An object that stops listening when it is disposed.
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
