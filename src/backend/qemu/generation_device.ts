import type { StartCommand } from "../start_command.ts";
import { isPc, seenMachine } from "./seen_machine.ts";

/**
 * The device by which a guest's kernel learns that it goes on from a snapshot, so
 * that its random numbers are not those of another that does, where the start
 * command is seen to start a machine that takes it and does not add one itself.
 *
 * @param command What starts the machine.
 * @param environment What the script may add to its own options.
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
