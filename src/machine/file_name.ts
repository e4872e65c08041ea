import { UsageError } from "../errors.ts";

/**
 * Bytes of the longest name of a machine, which has a file `<name>-failed.png`.
 */
const LONGEST_NAME = 255 - "-failed.png".length;

/** Turns a machine's name into a part of file names. */
export function fileName(machine: string): string {
  return machine.replaceAll("/", "_");
}

/** @throws {UsageError} if the name is too long for file names. */
export function requireShortName(machine: string): void {
  const { length } = new TextEncoder().encode(machine);
  if (length <= LONGEST_NAME) return;
  throw new UsageError(
    `Expected machine names of up to ${LONGEST_NAME} bytes, because files ` +
      `have these names, got ${
        JSON.stringify(`${machine.slice(0, 20)}…`)
      }, which has ${length}`,
  );
}
