import type { StartCommand } from "../start_command.ts";

/** How many bytes of a start script this reads. */
const MOST = 1 << 18;

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
  environment: string = Deno.env.get("QEMU_OPTS") ?? "",
): string | undefined {
  const text = `${textOf(command)}\n${environment}`;
  if (text.includes("pvpanic")) return undefined;
  const programs = [...text.matchAll(/\bqemu-system-(\w+)|\bqemu-kvm\b/g)]
    .map(([, target = Deno.build.arch]) => target);
  const [target] = programs;
  if (!programs.every((other) => other === target)) return undefined;
  const types = [...text.matchAll(/\s-(?:M|-?machine)[ =]["']?([^\s,"']*)/g)]
    .map(([, type]) => type.replace(/^type=/, ""))
    // This has only options of the machine, such as accel=kvm.
    .filter((type) => !/^\w[\w-]*=/.test(type));
  switch (target) {
    case "x86_64":
    case "i386":
      return types.every((type) => /^(?:pc|q35)(?:-|$)/.test(type))
        ? "pvpanic"
        : undefined;
    case "aarch64":
      return types.length > 0 &&
          types.every((type) => /^virt(?:-|$)/.test(type))
        ? "pvpanic-pci"
        : undefined;
  }
}

function textOf(command: StartCommand): string {
  if (!command.isFile) return command.text;
  try {
    using file = Deno.openSync(command.text);
    const bytes = new Uint8Array(MOST);
    return new TextDecoder().decode(
      bytes.subarray(0, file.readSync(bytes) ?? 0),
    );
  } catch {
    return "";
  }
}
