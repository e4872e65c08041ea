import { shortened } from "../report/shortened.ts";
import { harmless } from "../scan/mod.ts";
import { writeAllSync } from "../stream/mod.ts";

/** Bytes that one read of the whole text takes. */
const PIECE = 1 << 18;
/** Bytes of the text in which the last lines are looked for. */
const LONGEST_END = 1 << 16;
/** Characters of one of the last lines, at most. */
export const LONGEST_LINE = 1000;

/**
 * The bytes of a console on disk, appended as they come. The operating system
 * has them at once, so a driver that is killed loses none.
 */
export class ConsoleFile {
  readonly #path: string;
  #file: Deno.FsFile | undefined;
  #length = 0;

  constructor(path: string) {
    this.#path = path;
    Deno.openSync(path, { write: true, create: true, truncate: true }).close();
    // In append mode every write goes to the end, wherever the last read was.
    this.#file = Deno.openSync(path, { read: true, append: true });
  }

  /** How many bytes it holds. */
  get length(): number {
    return this.#length;
  }

  append(bytes: Uint8Array): void {
    writeAllSync(this, bytes);
  }

  /**
   * Appends some of `bytes`. If the disk gets full, the file has a part of
   * them.
   */
  writeSync(bytes: Uint8Array): number {
    const written = this.#file!.writeSync(bytes);
    this.#length += written;
    return written;
  }

  /** Reads from an offset into a buffer. Returns the part that was filled. */
  read(offset: number, into: Uint8Array): Uint8Array {
    const file = this.#file ?? Deno.openSync(this.#path, { read: true });
    try {
      const wanted = Math.max(
        0,
        Math.min(into.length, this.#length - offset),
      );
      file.seekSync(offset, Deno.SeekMode.Start);
      let got = 0;
      while (got < wanted) {
        const count = file.readSync(into.subarray(got, wanted));
        if (count === null) break;
        got += count;
      }
      return into.subarray(0, got);
    } finally {
      if (file !== this.#file) file.close();
    }
  }

  /**
   * Reads the text from an offset on, without carriage returns and without white
   * space at the ends of lines.
   *
   * @returns The lines, joined by `\n`.
   */
  text(from: number): string {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    const buffer = new Uint8Array(PIECE);
    const lines: string[] = [];
    let rest = "";
    for (let at = from;;) {
      const bytes = this.read(at, buffer);
      at += bytes.length;
      rest += bytes.length > 0
        ? decoder.decode(bytes, { stream: true })
        : decoder.decode();
      const cut = rest.split("\n");
      rest = cut.pop()!;
      for (const line of cut) lines.push(clean(line));
      if (bytes.length === 0) break;
    }
    if (rest !== "") lines.push(clean(rest));
    return lines.join("\n");
  }

  /**
   * Reads the last lines between two offsets that are not empty, safe for a
   * terminal. It leaves out the middle of a line of more than 1000 characters,
   * and the beginning of a text of more than 64 KiB.
   *
   * @param most How many lines at most.
   * @returns The lines, oldest first.
   */
  lines(from: number, end: number, most: number): string[] {
    const begin = Math.max(from, end - LONGEST_END);
    const bytes = this.read(begin, new Uint8Array(Math.max(0, end - begin)));
    return harmless(new TextDecoder().decode(bytes)).split("\n")
      .map((line) => line.trimEnd())
      .filter((line) => line !== "")
      .slice(-most)
      .map((line) => shortened(line, LONGEST_LINE));
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}

function clean(line: string): string {
  return line.replaceAll("\r", "").trimEnd();
}
