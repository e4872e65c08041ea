/** The guest's shell is gone: the guest died, was reset, or left its root. */
export class ShellLost extends Error {
  /**
   * The process in the guest that is gone, where that is all that is known: the
   * guest itself may be well.
   */
  readonly process?: string;

  /** Takes the reason as one sentence, and the process that is gone. */
  constructor(reason: string, process?: string) {
    super(reason);
    this.process = process;
    this.name = "ShellLost";
  }
}
