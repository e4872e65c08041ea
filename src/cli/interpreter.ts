/** Bytes of a script in which the kernel looks for its interpreter. */
const LONGEST = 256;

/**
 * The interpreter that a script's first line names, if there is no such program:
 * the shell says of such a script that it is not found itself.
 *
 * @param path The script.
 */
export function missingInterpreter(path: string): string | undefined {
  const [, interpreter] = /^#![ \t]*(\/[^ \t\n]*)/.exec(beginning(path)) ?? [];
  if (interpreter === undefined) return undefined;
  try {
    Deno.statSync(interpreter);
    return undefined;
  } catch (error) {
    return error instanceof Deno.errors.NotFound ? interpreter : undefined;
  }
}

function beginning(path: string): string {
  try {
    using file = Deno.openSync(path);
    const bytes = new Uint8Array(LONGEST);
    const count = file.readSync(bytes) ?? 0;
    return new TextDecoder().decode(bytes.subarray(0, count));
  } catch {
    // The system may run a script that it does not let anybody read.
    return "";
  }
}
