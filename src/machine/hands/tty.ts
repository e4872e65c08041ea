import { UsageError } from "../../errors.ts";
import type { MachineCore } from "../core.ts";
import { DEFAULT_TIMEOUT } from "../waits/timeout.ts";

/** @throws {UsageError} if this is no number of a virtual terminal. */
export function ttyNumber(tty: string | number): string {
  if (/^\d+$/.test(String(tty))) return String(tty);
  throw new UsageError(`Expected a virtual terminal's number, got "${tty}"`);
}

/** Gets the text on a virtual terminal, a line for each row. */
export async function getTtyText(
  core: MachineCore,
  tty: string | number,
  check?: () => Promise<void>,
): Promise<string> {
  const { stdout } = await core.run(ttyDump(ttyNumber(tty)), {
    timeout: DEFAULT_TIMEOUT,
    check,
  });
  return ttyText(stdout);
}

/**
 * Prints the content of a virtual terminal: the four bytes of `vcsa` with rows,
 * columns and cursor, then a code point for each cell if the kernel has `vcsu`,
 * otherwise a byte; see vcs(4).
 */
export function ttyDump(tty: string): string {
  return `head -c 4 /dev/vcsa${tty}; ` +
    `if [ -e /dev/vcsu${tty} ]; then printf u; cat /dev/vcsu${tty}; ` +
    `else printf b; cat /dev/vcs${tty}; fi`;
}

/** Turns the output of {@linkcode ttyDump} into text. */
export function ttyText(dump: Uint8Array): string {
  if (dump.length < 5) return "";
  const columns = dump[1];
  const wide = dump[4] === 0x75;
  const cells = dump.subarray(5);
  const view = new DataView(cells.buffer, cells.byteOffset, cells.length);
  const count = wide ? cells.length >> 2 : cells.length;
  let text = "";
  for (let cell = 0; cell < count; cell++) {
    if (cell > 0 && cell % columns === 0) text += "\n";
    const code = wide ? view.getUint32(cell * 4, true) : cells[cell];
    text += code < 0x20 || code > 0x10ffff ? " " : String.fromCodePoint(code);
  }
  return text;
}
