import { type QmpClient, QmpClosed } from "../../qmp/mod.ts";
import type { ByteStream } from "../../stream/mod.ts";
import type { Sockets } from "./sockets.ts";

/**
 * A socket between the driver and a running QEMU, which has it as a `chardev`.
 */
export interface AddedSocket {
  /** QEMU's name for it. */
  readonly id: string;
  /** The driver's end. */
  readonly stream: ByteStream;
  /**
   * Removes it, when nothing in QEMU uses it.
   *
   * @param read Awaited after QEMU has closed its end, before the driver closes
   * its own.
   */
  remove(read?: () => Promise<void>): Promise<void>;
}

/**
 * Adds a socket.
 *
 * @param name A unique name in this QEMU, of up to 20 bytes.
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
        // A guest that has ended has no sockets.
        if (!(error instanceof QmpClosed)) throw error;
      } finally {
        sockets.close(stream);
      }
    },
  };
}
