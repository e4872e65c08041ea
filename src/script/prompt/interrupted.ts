/** Ctrl-C at a prompt has ended the input. */
export class Interrupted extends Error {
  /** The error's name. */
  override name = "Interrupted";

  constructor() {
    super("interrupted");
  }
}
