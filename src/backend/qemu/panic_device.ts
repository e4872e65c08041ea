import type { StartCommand } from "../start_command.ts";
import { isPc, seenMachine } from "./seen_machine.ts";

/**
 * Chooses the device by which a guest's kernel reports a panic, if the start
 * command starts a machine that has a place for the device, and does not add
 * one itself.
 *
 * QEMU refuses a second device, and one without a bus. So there is no device if
 * the text leaves a doubt, for example if the script calls another script.
 *
 * @param command The start command.
 * @param environment Variables from which the script may take more options.
 * @returns The device's name, or none.
 */
export function panicDevice(
  command: StartCommand,
  environment?: string,
): string | undefined {
  const seen = seenMachine(command, environment);
  if (seen.text.includes("pvpanic")) return undefined;
  if (isPc(seen)) return "pvpanic";
  const isVirt = seen.types.length > 0 &&
    seen.types.every((type) => /^virt(?:-|$)/.test(type));
  if (seen.target === "aarch64" && isVirt) return "pvpanic-pci";
}
