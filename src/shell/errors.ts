import type { Death } from "./message.ts";

/** The guest's shell is gone: the guest died, was reset, or left its root. */
export class ShellLost extends Error {
  /** Takes the reason as one sentence, and the error that told it, if any. */
  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = "ShellLost";
  }
}

/** The process that served a command is gone. The guest itself may be well. */
export class ServerLost extends ShellLost {
  /** How the process has ended. */
  readonly death: Death;

  /**
   * Takes how the process has ended, and what has ended it, as the end of a
   * sentence.
   */
  constructor(
    death: Death,
    killer =
      "by a process in the guest, or by its kernel because memory ran out",
  ) {
    const { process, status } = death;
    const how = status > 128
      ? `was killed by signal ${status - 128}`
      : `ended with status ${status}`;
    super(
      `The shell that served the command in the guest (process ${process}, ` +
        `the command's parent) ${how}: ${killer}`,
    );
    this.death = death;
  }
}

/** A part of what a command said did not arrive. The guest may be well. */
export class OutputLost extends ShellLost {
  /** Takes the part, and what is known of it. */
  constructor(part: string, knowledge = "") {
    super(
      `The guest's console has lost ${part}${knowledge}; programs in the ` +
        "guest write to that console faster than the driver reads",
    );
    this.name = "OutputLost";
  }
}
