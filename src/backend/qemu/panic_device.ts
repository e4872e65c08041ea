import type { StartCommand } from "../start_command.ts";

/** Bytes of a start script that are looked at. */
const MOST = 1 << 18;

/**
 * The device by which a guest's kernel says that it panics, where the start
 * command is seen to start a machine that takes it and does not add one itself.
 *
 * QEMU refuses a second one, and one without a bus for it. So where the text
 * leaves a doubt, as that of a script that calls another does, there is none.
 *
 * @param command What starts the machine.
 * @param environment What the script may add to its own options.
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
    // Only options of the machine, such as accel=kvm.
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
