import { ConditionFailure, TestFailure } from "../errors.ts";

/**
 * What a wait or a command has seen last, as text; nothing if it has seen
 * nothing.
 */
export type Look = () => string | Promise<string>;

/** A last look of a wait or a command that an error has ended. */
export interface LastLook {
  /** The machine's name. */
  readonly machine: string;
  /** Gets the text. */
  readonly ask: Look;
}

const looks = new WeakMap<object, LastLook[]>();

/**
 * Runs a wait. If an error of something else ends it, such as the end of the
 * run, this notes for that error what the wait has seen last.
 *
 * @param machine The machine's name.
 * @param look Tells what the wait has seen last.
 * @param fn The wait.
 * @returns The wait's result.
 */
export async function withLook<T>(
  machine: string,
  look: Look,
  fn: () => Promise<T>,
): Promise<T> {
  try {
    return await fn();
  } catch (error) {
    noteLook(error, machine, look);
    throw error;
  }
}

/** Notes a last look for the error that has ended a wait or a command. */
export function noteLook(error: unknown, machine: string, ask: Look): void {
  if (typeof error !== "object" || error === null) return;
  // The message of a wait's own failure has this already.
  const isOwn = error instanceof TestFailure &&
    !(error instanceof ConditionFailure);
  if (isOwn) return;
  const known = looks.get(error);
  if (known === undefined) looks.set(error, [{ machine, ask }]);
  else known.push({ machine, ask });
}

/** The last looks of everything that an error has ended, in order. */
export function lastLooks(error: unknown): readonly LastLook[] {
  return typeof error === "object" && error !== null
    ? looks.get(error) ?? []
    : [];
}
