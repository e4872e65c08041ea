import type { StartCommand } from "../start_command.ts";
import { seenMachine } from "./seen_machine.ts";

/** MiB of a guest where no option says more. */
const USUAL_MEMORY = 128;
const UNITS = "bkmgt";

/** What a guest takes of its host. */
export interface Needs {
  /** Bytes of memory; nothing if that is not known. */
  readonly memory?: number;
  /** Processors; nothing if that is not known. */
  readonly cores?: number;
}

/**
 * Finds in the text of a start command what its guest takes.
 *
 * @param command The start command.
 * @param environment Variables from which the script may take more options.
 */
export function qemuNeeds(command: StartCommand, environment?: string): Needs {
  const text = seenMachine(command, environment).text
    .replace(/^\s*#.*$/gm, "");
  const memory = lastOf(text, "m", "size");
  const cores = lastOf(text, "smp", "cpus");
  return {
    memory: memory === undefined
      ? USUAL_MEMORY * 2 ** 20
      : bytesOf(memory, USUAL_MEMORY),
    cores: cores === undefined
      ? 1
      : /^\d+$/.test(cores)
      ? Number(cores) || undefined
      : undefined,
  };
}

/** The value of the last option of a name: QEMU takes that. */
function lastOf(text: string, name: string, key: string): string | undefined {
  const found = [
    ...text.matchAll(new RegExp(`\\s--?${name}[\\s=]+["']?([^\\s"']+)`, "g")),
  ].at(-1)?.[1];
  if (found === undefined) return undefined;
  const words = found.split(",");
  return words.find((word) => word.startsWith(`${key}=`))
    ?.slice(key.length + 1) ?? words[0];
}

function bytesOf(text: string, usual: number): number | undefined {
  const [, number, unit = "m"] = /^(\d+)([bkmgt]?)$/i.exec(text) ?? [];
  if (number === undefined) return undefined;
  const power = 10 * UNITS.indexOf((unit || "m").toLowerCase());
  return (Number(number) || usual) * 2 ** power;
}
