import type { Supervisor } from "./supervisor.ts";

/**
 * Bytes of the longest path of a UNIX socket on Linux, without the final NUL;
 * see unix(7).
 */
const LONGEST_SOCKET_PATH = 107;

/** A directory for sockets. */
export interface SocketDirectory {
  /** Its path. */
  readonly path: string;
  /** Removes it, if it was made for the sockets alone. */
  remove(): Promise<void>;
}

/**
 * Makes a directory for sockets with names of up to `longestName` bytes:
 * `directory` itself, or one with a shorter path if that is too long for a
 * socket.
 */
export function socketDirectory(
  directory: string,
  longestName: number,
  supervisor: Supervisor,
): SocketDirectory {
  const { length } = new TextEncoder().encode(directory);
  if (length + "/".length + longestName <= LONGEST_SOCKET_PATH) {
    return { path: directory, remove: () => Promise.resolve() };
  }
  const path = supervisor.makeDirectory("/tmp", "vmwright-");
  return {
    path,
    async remove() {
      await Deno.remove(path, { recursive: true }).catch(() => {});
      supervisor.disown(path);
    },
  };
}
