import {
  type Frame,
  FrameCutter,
  type FrameCutterOptions,
  FrameError,
} from "../../src/scan/mod.ts";

/**
 * The results for a text, in words: a frame's kind, id, event and JSON, or an
 * error's offset.
 */
export function cutInWords(
  chunks: Iterable<Uint8Array>,
  options?: FrameCutterOptions,
): string[] {
  using cutter = new FrameCutter(options);
  const words: string[] = [];
  for (const chunk of chunks) {
    for (const frame of cutter.push(chunk)) words.push(inWords(frame));
  }
  return words;
}

function inWords(frame: Frame | FrameError): string {
  if (frame instanceof FrameError) return `error at ${frame.offset}`;
  const { kind, id, event, bytes } = frame;
  return JSON.stringify([kind, id, event, new TextDecoder().decode(bytes)]);
}
