import { LineSplitter } from "../scan/mod.ts";

/** How many lines the message about an end quotes. */
const QUOTED = 10;
/** Bytes at the end of a file that are looked at. */
const TAIL = 64 * 1024;

/**
 * The last lines of a process, for the message about its end. A guest may make
 * its hypervisor complain as often as it likes, so no more lines are kept.
 */
export class LastWords {
  #lines: string[] = [];

  /** The lines that are kept, the last one last. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Takes a line. A blank one is left out. */
  add(line: string): void {
    if (line.trim() === "") return;
    this.#lines.push(line);
    if (this.#lines.length > QUOTED) this.#lines.shift();
  }

  /** Takes the last lines of a file, if it can be read. */
  addFile(path: string): void {
    let bytes: Uint8Array;
    try {
      bytes = tailOf(path);
    } catch {
      return;
    }
    using splitter = new LineSplitter();
    for (const line of splitter.push(bytes)) this.add(line);
    for (const line of splitter.finish()) this.add(line);
  }

  /** The end of the message; empty if there are no lines. */
  get quoted(): string {
    if (this.#lines.length === 0) return "";
    return `, and said last:\n${this.#lines.join("\n")}`;
  }
}

/** The end of a file, from the beginning of a line if it has one there. */
function tailOf(path: string): Uint8Array {
  using file = Deno.openSync(path);
  const start = Math.max(0, file.statSync().size - TAIL);
  file.seekSync(start, Deno.SeekMode.Start);
  const bytes = new Uint8Array(TAIL);
  const tail = bytes.subarray(0, file.readSync(bytes) ?? 0);
  return start === 0 ? tail : tail.subarray(tail.indexOf(10) + 1);
}
