import { shellQuote } from "../shell/shell_quote.ts";
import { absolute } from "../paths.ts";
import { UsageError } from "../errors.ts";

/** Escapes a path as a value of QEMU's comma-separated options. */
export function qemuValue(text: string): string {
  return text.replaceAll(",", ",,");
}

/**
 * The command that starts a machine: the path of a start script, or a command
 * line for the shell. The driver appends QEMU's arguments.
 */
export class StartCommand {
  /** The path or command line as it was given. */
  readonly text: string;

  /**
   * Takes a path or a command line.
   *
   * @throws {UsageError} if it is empty or has a NUL byte.
   */
  constructor(text: string) {
    if (text.trim() === "") {
      throw new UsageError("Expected a start script or a command, got none");
    }
    if (text.includes("\0")) {
      throw new UsageError("Expected a start command without NUL bytes");
    }
    this.text = text;
  }

  /**
   * Whether it is the description of a microVM itself, in JSON, where a backend
   * takes one.
   */
  get isDescription(): boolean {
    return this.text.trimStart().startsWith("{");
  }

  /**
   * The text of the description of a microVM: in a file, or in place of one.
   *
   * @throws {Error} if there is no such file.
   */
  get description(): string {
    return this.isDescription
      ? this.text
      : Deno.readTextFileSync(absolute(this.text));
  }

  /** Whether it is the path of a file, and not a command line. */
  get isFile(): boolean {
    try {
      return Deno.statSync(this.text).isFile;
    } catch {
      return false;
    }
  }

  /** The whole command line for `/bin/sh`, with `args` appended. */
  commandLine(args: readonly string[]): string {
    const command = this.isFile
      ? `exec ${shellQuote(absolute(this.text))}`
      // After a line end, the arguments would be another command.
      : this.text.replace(/\n+$/, "");
    return [command, ...args.map(shellQuote)].join(" ");
  }
}
