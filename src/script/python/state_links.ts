import type { Supervisor } from "../../backend/mod.ts";
import type { Driver } from "../../driver/mod.ts";

/**
 * Lets a script find the machines' directories at `vm-state-<name>` and
 * `shared-xchg` in the working directory, if it looks for them there: in a build
 * sandbox, where the working directory is the temporary directory, that is where
 * NixOS tests have them.
 *
 * @param text The script.
 * @param driver Whose machines they are.
 * @param owner Removes the links at the end.
 */
export function linkState(
  text: string,
  driver: Driver,
  owner: Supervisor,
): void {
  if (!/vm-state-|shared-xchg/.test(text) || !isTemporary(Deno.cwd())) return;
  const link = (target: string, name: string) => {
    const path = `${Deno.cwd()}/${name}`;
    try {
      Deno.symlinkSync(target, path);
      owner.own(path);
    } catch (error) {
      // Somebody else's, or already the directory itself.
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  };
  for (const machine of driver.machines) {
    link(machine.stateDir, `vm-state-${machine.name}`);
  }
  const [machine] = driver.machines;
  if (machine !== undefined) link(machine.sharedDir, "shared-xchg");
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
