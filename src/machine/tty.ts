/**
 * Prints what a virtual terminal shows: the four bytes of `vcsa` that hold
 * rows, columns and cursor, then a code point a cell where the kernel has
 * `vcsu`, else a byte a cell; see vcs(4).
 */
export function ttyDump(tty: string): string {
  return `head -c 4 /dev/vcsa${tty}; ` +
    `if [ -e /dev/vcsu${tty} ]; then printf u; cat /dev/vcsu${tty}; ` +
    `else printf b; cat /dev/vcs${tty}; fi`;
}

/** The text of what {@linkcode ttyDump} printed, a line to a row. */
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
