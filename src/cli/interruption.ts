import { exitCodes } from "./exit_codes.ts";

/** Somebody asked for the end of the run, by a signal. */
export class Interruption extends Error {
  /** The error's name. */
  override name = "Interruption";

  /** Takes the signal. */
  constructor(readonly signal: "SIGINT" | "SIGTERM" | "SIGHUP") {
    super(
      signal === "SIGINT" ? "interrupted" : `terminated by ${signal}`,
    );
  }

  /** The exit status that tells of it. */
  get exitCode(): number {
    return this.signal === "SIGINT"
      ? exitCodes.interrupted
      : exitCodes.terminated;
  }
}

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
  const listeners = (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((signal) => {
    const listener = () => {
      if (first !== undefined) return onSecond(first.exitCode);
      first = new Interruption(signal);
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
