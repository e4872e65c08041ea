import { MachineError } from "../errors.ts";

/**
 * Makes the error for a disk that a machine does not have.
 *
 * @param hypervisor The machine's hypervisor, as messages call it.
 * @param name The disk's name; nothing if any disk would do.
 * @param known The names of those that there are.
 */
export function noDisk(
  machine: string,
  hypervisor: string,
  name: string | undefined,
  known: readonly string[],
): MachineError {
  const what = name === undefined ? "no disk" : `no disk named "${name}"`;
  const others = known.length === 0 ? "none" : known.join(", ");
  return new MachineError(
    `${machine} has ${what}; ${hypervisor} knows of ${others}`,
  );
}
