import { type QmpClient, QmpClosed } from "../../qmp/mod.ts";
import type { ByteStream } from "../../stream/mod.ts";
import type { Sockets } from "./sockets.ts";

/** A socket between the driver and a QEMU that runs: a `chardev` on its side. */
export interface AddedSocket {
  /** What QEMU calls it. */
  readonly id: string;
  /** The driver's end. */
  readonly stream: ByteStream;
  /**
   * Takes it away, once nothing in QEMU uses it.
   *
   * @param read Awaited when QEMU has hung up, before the driver does.
   */
  remove(read?: () => Promise<void>): Promise<void>;
}

/**
 * Adds a socket.
 *
 * @param name Its own among those of this QEMU, of up to 20 bytes.
 */
export async function addSocket(
  qmp: QmpClient,
  sockets: Sockets,
  name: string,
): Promise<AddedSocket> {
  const id = `vw-${name}`;
  const accepting = sockets.accept(name);
  try {
    const path = sockets.path(name);
    await qmp.send("chardev-add", {
      id,
      backend: {
        type: "socket",
        data: { addr: { type: "unix", data: { path } }, server: false },
      },
    });
  } catch (error) {
    accepting.catch(() => {});
    await sockets.refuse(name);
    throw error;
  }
  const stream = await accepting;
  await sockets.refuse(name);
  return {
    id,
    stream,
    async remove(read) {
      try {
        await qmp.send("chardev-remove", { id });
        await read?.();
      } catch (error) {
        // A guest that ended has none any more.
        if (!(error instanceof QmpClosed)) throw error;
      } finally {
        sockets.close(stream);
      }
    },
  };
}
