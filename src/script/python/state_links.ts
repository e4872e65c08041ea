import type { Supervisor } from "../../backend/mod.ts";
import type { Machine } from "../../machine/mod.ts";

/**
 * Makes links `vm-state-<name>` and `shared-xchg` to the machines' directories
 * in the working directory, if the script uses these names there. In a build
 * sandbox the working directory is the temporary directory, where NixOS tests
 * have these directories.
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
      // Another process has made an entry, or it is the directory itself.
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
