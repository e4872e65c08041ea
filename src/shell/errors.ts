/** The guest's shell is gone: the guest died, was reset, or left its root. */
export class ShellLost extends Error {
  /** Takes the reason as one sentence. */
  constructor(reason: string) {
    super(reason);
    this.name = "ShellLost";
  }
}
