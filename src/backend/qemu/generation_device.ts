import type { StartCommand } from "../start_command.ts";
import { isPc, seenMachine } from "./seen_machine.ts";

/**
 * Chooses the device by which a guest's kernel learns that it goes on from a
 * snapshot, so that two forks have different random numbers. There is none if
 * the text of the start command leaves a doubt, or adds one itself.
 *
 * @param command The start command.
 * @param environment Variables from which the script may take more options.
 * @returns The device, or none.
 */
export function generationDevice(
  command: StartCommand,
  environment?: string,
): string | undefined {
  const seen = seenMachine(command, environment);
  const isTaken = isPc(seen) && !seen.text.includes("vmgenid");
  return isTaken ? "vmgenid,guid=auto" : undefined;
}
