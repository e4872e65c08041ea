/** Actions for an emergency, when there is no time to end things in order. */
export class Emergency {
  readonly #actions = new Set<() => void>();
  // A running script finds another function under this name.
  readonly #exit: (exitCode: number) => never = Deno.exit;

  /** Adds an action for an emergency. */
  add(action: () => void): void {
    this.#actions.add(action);
  }

  /** Forgets all actions. */
  clear(): void {
    this.#actions.clear();
  }

  /** Runs all actions, and ends the process. */
  exit(exitCode: number): never {
    for (const action of this.#actions) {
      try {
        action();
      } catch (error) {
        console.error(`vmwright: ${(error as Error).message}`);
      }
    }
    return this.#exit(exitCode);
  }
}
