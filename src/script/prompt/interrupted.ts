/** Ctrl-C at a prompt ended what its input was doing. */
export class Interrupted extends Error {
  /** The error's name. */
  override name = "Interrupted";

  constructor() {
    super("interrupted");
  }
}
