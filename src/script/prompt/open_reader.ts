import { Terminal } from "../../terminal/mod.ts";
import type { Language } from "../language.ts";
import { highlight } from "./highlight.ts";
import { History } from "./history.ts";
import type { Completer, LineReader } from "./line_reader.ts";
import { StreamReader } from "./stream_reader.ts";
import { TerminalReader } from "./terminal_reader.ts";

/** Opens a reader for the process' input: a terminal or a pipe. */
export async function openReader(
  language: Language,
  complete: Completer,
): Promise<LineReader> {
  if (!Terminal.present) {
    return new StreamReader({
      read: (buffer) => Deno.stdin.read(buffer),
      write: (bytes) => Deno.stdout.write(bytes),
    }, { showPrompt: false });
  }
  const terminal = await Terminal.open();
  return await TerminalReader.open(terminal, {
    history: History.open(language),
    complete,
    highlight: (line) => highlight(line, language),
  });
}
