import type { RunEvent } from "../report/mod.ts";

/**
 * Bytes at the end of a file of events in which its last event is looked for: at
 * first, and at most.
 */
const FIRST = 2 ** 18, MOST = 2 ** 26;

/**
 * Finds how a run ended, without reading the whole of its file of events.
 *
 * @param path The file.
 * @returns The last event; nothing if the run has not come to its end.
 */
export function runEndedIn(path: string): RunEvent<"runEnded"> | undefined {
  try {
    using file = Deno.openSync(path);
    const { size } = file.statSync();
    for (let length = FIRST;; length *= 8) {
      const bytes = endOf(file, Math.min(size, length, MOST));
      const lines = new TextDecoder().decode(bytes).split("\n");
      for (const line of lines.reverse()) {
        if (!line.startsWith(`{"type":"runEnded"`)) continue;
        return JSON.parse(line);
      }
      if (length >= Math.min(size, MOST)) return undefined;
    }
  } catch {
    // There is no file, or its last line is not whole.
  }
}

/** The last bytes of a file. */
function endOf(file: Deno.FsFile, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  file.seekSync(-length, Deno.SeekMode.End);
  for (let at = 0; at < length;) {
    const count = file.readSync(bytes.subarray(at));
    if (count === null) break;
    at += count;
  }
  return bytes;
}
