import { ConditionFailure, TestFailure } from "../errors.ts";

/** What a wait or a command has seen last, in words; nothing where it saw nothing. */
export type Look = () => string | Promise<string>;

/** A look at what somebody was doing when an error ended it. */
export interface LastLook {
  /** The machine's name. */
  readonly machine: string;
  /** Asks now. */
  readonly ask: Look;
}

const looks = new WeakMap<object, LastLook[]>();

/**
 * Runs a wait. Where an error ends it that is not its own, such as the end of
 * the run, that error leads to what the wait has seen last.
 *
 * @param machine The machine's name.
 * @param look Says what the wait has seen last.
 * @param fn The wait.
 * @returns What the wait answers.
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

/** Notes what somebody has seen last whom an error has ended. */
export function noteLook(error: unknown, machine: string, ask: Look): void {
  if (typeof error !== "object" || error === null) return;
  // The failure of a wait says itself what that has seen.
  const isOwn = error instanceof TestFailure &&
    !(error instanceof ConditionFailure);
  if (isOwn) return;
  const known = looks.get(error);
  if (known === undefined) looks.set(error, [{ machine, ask }]);
  else known.push({ machine, ask });
}

/** The looks at what an error has ended, in the order in which it did. */
export function lastLooks(error: unknown): readonly LastLook[] {
  return typeof error === "object" && error !== null
    ? looks.get(error) ?? []
    : [];
}
