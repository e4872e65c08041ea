import type { Supervisor } from "./supervisor.ts";

/** Longest path of a UNIX socket on Linux, its final NUL aside; unix(7). */
const LONGEST_SOCKET_PATH = 107;

/** A directory for sockets. */
export interface SocketDirectory {
  /** Its path. */
  readonly path: string;
  /** Removes it, where it was made for the sockets alone. */
  remove(): Promise<void>;
}

/**
 * A directory for sockets with names of up to `longestName` bytes: `directory`
 * itself, or where that path is too long for a socket, one elsewhere.
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
