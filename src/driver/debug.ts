/** Lets a test's author stop a script and look around. */
export interface Debug {
  /**
   * Stops the script here, if a person can look at it, until that person lets
   * it go on.
   *
   * @param names More names for the prompt, such as the script's own variables.
   */
  breakpoint(names?: Record<string, unknown>): Promise<void>;
  /**
   * Stops a script that has failed, before the run goes on with the failure. It
   * is there if the command line asks for such stops.
   *
   * @param error The script's error.
   */
  failed?(error: unknown): Promise<void>;
}
