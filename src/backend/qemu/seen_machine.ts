import type { StartCommand } from "../start_command.ts";

/** How many bytes of a start script this reads. */
const MOST = 1 << 18;

/** Facts in the text of a start command. */
export interface SeenMachine {
  /** The whole text. */
  readonly text: string;
  /** QEMU's target processor; nothing if the text leaves a doubt. */
  readonly target?: string;
  /** The machine types in it; none means QEMU's default. */
  readonly types: readonly string[];
}

/**
 * Finds in the text of a start command what machine it starts.
 *
 * @param command The start command.
 * @param environment Variables from which the script may take more options.
 */
export function seenMachine(
  command: StartCommand,
  environment: string = Deno.env.get("QEMU_OPTS") ?? "",
): SeenMachine {
  const text = `${textOf(command)}\n${environment}`;
  const programs = [...text.matchAll(/\bqemu-system-(\w+)|\bqemu-kvm\b/g)]
    .map(([, target = Deno.build.arch]) => target);
  const [first] = programs;
  const target = programs.every((other) => other === first) ? first : undefined;
  const types = [...text.matchAll(/\s-(?:M|-?machine)[ =]["']?([^\s,"']*)/g)]
    .map(([, type]) => type.replace(/^type=/, ""))
    // This has only options of the machine, such as accel=kvm.
    .filter((type) => !/^\w[\w-]*=/.test(type));
  return { text, target, types };
}

/** Whether the machine is a PC. */
export function isPc({ target, types }: SeenMachine): boolean {
  return (target === "x86_64" || target === "i386") &&
    types.every((type) => /^(?:pc|q35)(?:-|$)/.test(type));
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
