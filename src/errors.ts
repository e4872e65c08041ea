/**
 * Somebody used the program or its API wrongly: an unknown flag, a missing
 * file, a negative timeout. The command line prints the message without a
 * stack and exits with 2.
 */
export class UsageError extends Error {
  /** The error's name. */
  override name = "UsageError";
}

/**
 * What the test demanded did not hold: a command failed that must succeed, a
 * wait ran into its timeout.
 */
export class TestFailure extends Error {
  /** The error's name. */
  override name = "TestFailure";
}

/**
 * The machine itself broke: its hypervisor ended, its guest died, a channel
 * into it closed.
 */
export class MachineError extends Error {
  /** The error's name. */
  override name = "MachineError";
}
