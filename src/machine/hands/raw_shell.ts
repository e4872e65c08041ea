import { MachineError } from "../../errors.ts";
import { ShellLost } from "../../shell/mod.ts";
import { type ByteStream, isClosedError, writeAll } from "../../stream/mod.ts";
import type { MachineCore } from "../core.ts";

/**
 * Connects a `bash` in the guest with a stream of bytes. It reads commands from
 * the stream and writes their output to it, without a terminal, an echo or a
 * prompt.
 *
 * @param stream The stream. The end of the shell or of the guest closes it; its
 * end ends the shell.
 * @throws {MachineError} if the guest has no ports that carry the stream.
 */
export async function attachShell(
  core: MachineCore,
  stream: ByteStream,
): Promise<void> {
  const left = new AbortController();
  let writing: Promise<void> = Promise.resolve();
  try {
    await core.connect();
    const { shell, guest } = core.running();
    if (guest.ports.length === 0) {
      throw new MachineError(
        `${core.name} has no ports that carry a shell as a stream: ` +
          "run commands with execute() instead",
      );
    }
    await shell.run("exec bash", {
      stdin: typed(stream, left),
      signal: left.signal,
      onStdout: (chunk) => {
        const bytes = chunk.slice();
        writing = writing.then(() => writeAll(stream, bytes)).catch((error) => {
          if (!isClosedError(error)) throw error;
        });
      },
    });
  } catch (error) {
    // A visitor who ends the guest, or leaves, needs no error.
    if (!left.signal.aborted && !(error instanceof ShellLost)) throw error;
  } finally {
    await writing;
    close(stream);
  }
}

async function* typed(
  stream: ByteStream,
  left: AbortController,
): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(16 * 1024);
  try {
    while (true) {
      const count = await stream.read(buffer);
      if (count === null) break;
      yield buffer.slice(0, count);
    }
  } catch (error) {
    if (!isClosedError(error)) throw error;
  }
  left.abort(new DOMException("The shell's stream has ended", "AbortError"));
}

function close(stream: ByteStream): void {
  try {
    stream.close();
  } catch (error) {
    if (!isClosedError(error)) throw error;
  }
}
