/**
 * An error whose message is complete without a stack: the test demanded
 * something that does not hold, or something outside ended the test. Its place
 * in the driver's code tells a reader nothing.
 */
export abstract class ExpectedError extends Error {}

/**
 * The program or its API was used wrongly: an unknown flag, a missing file, a
 * negative timeout. The command line prints the message without a stack and
 * exits with 2.
 */
export class UsageError extends ExpectedError {
  /** The error's name. */
  override name = "UsageError";
}

/**
 * What the test demanded did not hold: a command failed that must succeed, a
 * wait ran into its timeout.
 */
export class TestFailure extends ExpectedError {
  /** The error's name. */
  override name = "TestFailure";
}

/**
 * The machine itself broke: its hypervisor ended, its guest died, a channel
 * into it closed.
 */
export class MachineError extends ExpectedError {
  /** The error's name. */
  override name = "MachineError";
}

const gone = new WeakSet<object>();

/**
 * Notes of an error that a hypervisor has closed the channel by which the
 * driver controls it: it has ended. The driver tells a test how, by a
 * {@linkcode MachineError}.
 */
export function noteHypervisorGone(error: Error): void {
  gone.add(error);
}

/** Whether an error means only that a hypervisor has ended. */
export function isHypervisorGone(error: unknown): boolean {
  return error instanceof Error && gone.has(error);
}

/** Several subtests failed, after each of which the test went on. */
export class SubtestFailures extends TestFailure {
  /** The error's name. */
  override name = "SubtestFailures";

  /**
   * Takes the names of the subtests, and the errors that they failed of.
   */
  constructor(names: readonly string[], readonly errors: readonly unknown[]) {
    super(`${names.length} subtests failed: ${names.join(", ")}`);
  }
}

/** A polling condition did not hold. */
export class ConditionFailure extends TestFailure {
  /**
   * Takes the condition's description, and the error that its check threw, if
   * any.
   */
  constructor(description: string, error?: unknown) {
    const why = error === undefined
      ? ""
      : `: ${error instanceof Error ? error.message : error}`;
    super(`Polling condition failed: ${description}${why}`, { cause: error });
  }
}
