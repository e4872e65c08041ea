import type { RunEvent } from "../report/mod.ts";

/** Bytes at the end of a file of events in which its last event is looked for. */
const MOST = 4 * 2 ** 20;

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
    const bytes = new Uint8Array(Math.min(size, MOST));
    file.seekSync(size - bytes.length, Deno.SeekMode.Start);
    for (let at = 0; at < bytes.length;) {
      const count = file.readSync(bytes.subarray(at));
      if (count === null) break;
      at += count;
    }
    const lines = new TextDecoder().decode(bytes).split("\n");
    for (const line of lines.reverse()) {
      if (!line.startsWith(`{"type":"runEnded"`)) continue;
      return JSON.parse(line);
    }
  } catch {
    // There is no file, or its last line is not whole.
  }
}
