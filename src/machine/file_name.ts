import { UsageError } from "../errors.ts";

/** Bytes of the longest name of a machine, of whose files one is `<name>-failed.png`. */
const LONGEST_NAME = 255 - "-failed.png".length;

/** A machine's name as a part of the names of its files. */
export function fileName(machine: string): string {
  return machine.replaceAll("/", "_");
}

/** @throws {UsageError} for a name of a machine that no file could bear. */
export function requireShortName(machine: string): void {
  const { length } = new TextEncoder().encode(machine);
  if (length <= LONGEST_NAME) return;
  throw new UsageError(
    `Expected names of machines of up to ${LONGEST_NAME} bytes, as their files ` +
      `bear them, got ${
        JSON.stringify(`${machine.slice(0, 20)}…`)
      }, which has ${length}`,
  );
}
