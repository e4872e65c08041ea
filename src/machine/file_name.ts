/** A machine's name as a part of the names of its files. */
export function fileName(machine: string): string {
  return machine.replaceAll("/", "_");
}
