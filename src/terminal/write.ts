import { writeOut } from "../stream/mod.ts";

/**
 * Writes all of `data` to the terminal before it returns: to standard output,
 * or to standard error if standard output is no terminal.
 */
export function writeTerminal(data: Uint8Array | string): void {
  const stream = Deno.stdout.isTerminal() ? Deno.stdout : Deno.stderr;
  writeOut(
    stream,
    typeof data === "string" ? new TextEncoder().encode(data) : data,
  );
}
