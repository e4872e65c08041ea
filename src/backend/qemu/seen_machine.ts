import type { StartCommand } from "../start_command.ts";

/** Bytes of a start script that are looked at. */
const MOST = 1 << 18;

/** What is seen of a start command. */
export interface SeenMachine {
  /** All that was looked at. */
  readonly text: string;
  /** The processor that QEMU is for; none where the text leaves a doubt. */
  readonly target?: string;
  /** The machine types that it names; none means QEMU's default. */
  readonly types: readonly string[];
}

/**
 * Looks at the text of a start command: what machine it starts, as far as that is
 * written there.
 *
 * @param command What starts the machine.
 * @param environment What the script may add to its own options.
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
    // Only options of the machine, such as accel=kvm.
    .filter((type) => !/^\w[\w-]*=/.test(type));
  return { text, target, types };
}

/** Whether what is seen is a PC. */
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
