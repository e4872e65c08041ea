import { ExpectedError } from "../errors.ts";

/** The whole test took longer than it may. */
export class GlobalTimeout extends ExpectedError {
  /** Takes the timeout in seconds. */
  constructor(seconds: number) {
    super(`The test took longer than its global timeout of ${seconds} seconds`);
    this.name = "GlobalTimeout";
  }
}
