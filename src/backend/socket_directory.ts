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
export async function socketDirectory(
  directory: string,
  longestName: number,
  supervisor: Supervisor,
): Promise<SocketDirectory> {
  const { length } = new TextEncoder().encode(directory);
  if (length + "/".length + longestName <= LONGEST_SOCKET_PATH) {
    return { path: directory, remove: () => Promise.resolve() };
  }
  const path = await Deno.makeTempDir({ dir: "/tmp", prefix: "vmwright-" });
  supervisor.own(path);
  return {
    path,
    async remove() {
      await Deno.remove(path, { recursive: true }).catch(() => {});
      supervisor.disown(path);
    },
  };
}
