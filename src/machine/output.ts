/** Lines of a command's output that a failure quotes. */
const QUOTED_LINES = 10;

/** Output as text; what is no UTF-8 becomes U+FFFD. */
export function decode(...chunks: Uint8Array[]): string {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let text = "";
  for (const chunk of chunks) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

/** The end of a command's output, as the end of a failure's message. */
export function lastLines(output: string): string {
  if (output.trim() === "") return "";
  const lines = output.trimEnd().split("\n").slice(-QUOTED_LINES);
  return `; its output ended with:\n${lines.join("\n")}`;
}
