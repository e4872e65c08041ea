/** Bytes of a frame. The guest starts a process for each frame. */
const FRAME = 4 * 1024 * 1024;
/** Digits of a frame's length, and the newline after it. */
const LENGTH = 8;

/**
 * The guest's side: the function `vw_unframe` writes the contents of the frames
 * at its stdin up to the last one, and reads no byte more.
 */
export const UNFRAME = "vw_unframe() { local n; " +
  'while read -r n && [ "$n" -gt 0 ]; do head -c "$n" || return; done; }';

/**
 * Cuts a stream of unknown length into frames, because the stdin of a command
 * in the guest has no end. A frame of length 0 is the last.
 *
 * @param bytes The stream. If it fails, the frames end as if it were complete,
 * because the command would wait for the rest.
 * @param failed Gets the error of the stream.
 */
export async function* framed(
  bytes: AsyncIterable<Uint8Array>,
  failed: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  const frame = new Uint8Array(LENGTH + FRAME);
  let length = 0;
  const finished = () => {
    const digits = `${String(length).padStart(LENGTH - 1)}\n`;
    new TextEncoder().encodeInto(digits, frame);
    const whole = frame.subarray(0, LENGTH + length);
    length = 0;
    return whole;
  };
  try {
    for await (const chunk of bytes) {
      for (let offset = 0; offset < chunk.length;) {
        const part = chunk.subarray(offset, offset + FRAME - length);
        frame.set(part, LENGTH + length);
        length += part.length;
        offset += part.length;
        if (length === FRAME) yield finished();
      }
    }
  } catch (error) {
    failed(error);
  }
  if (length > 0) yield finished();
  yield finished();
}
