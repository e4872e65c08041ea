import type { Supervisor } from "../../backend/mod.ts";
import type { Machine } from "../../machine/mod.ts";

/**
 * Lets a script find the machines' directories at `vm-state-<name>` and
 * `shared-xchg` in the working directory, if it looks for them there: in a build
 * sandbox, where the working directory is the temporary directory, that is where
 * NixOS tests have them.
 */
export class StateLinks {
  readonly #wanted: boolean;
  readonly #owner: Supervisor;

  /**
   * Takes the script.
   *
   * @param text Its text.
   * @param owner Removes the links at the end.
   */
  constructor(text: string, owner: Supervisor) {
    this.#wanted = /vm-state-|shared-xchg/.test(text) &&
      isTemporary(Deno.cwd());
    this.#owner = owner;
  }

  /** Makes the links for a machine. */
  add({ name, stateDir, sharedDir }: Machine): void {
    if (!this.#wanted) return;
    this.#link(stateDir, `vm-state-${name}`);
    this.#link(sharedDir, "shared-xchg");
  }

  #link(target: string, name: string): void {
    const path = `${Deno.cwd()}/${name}`;
    try {
      Deno.symlinkSync(target, path);
      this.#owner.own(path);
    } catch (error) {
      // Somebody else's, or already the directory itself.
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
}

function isTemporary(directory: string): boolean {
  const temporary = Deno.env.get("XDG_RUNTIME_DIR") || Deno.env.get("TMPDIR") ||
    "/tmp";
  try {
    return Deno.realPathSync(temporary) === Deno.realPathSync(directory);
  } catch {
    return false;
  }
}
