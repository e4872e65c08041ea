import { assertEquals } from "@std/assert";
import { HybridVsock } from "../../../src/backend/microvm/vsock.ts";

Deno.test("a connection that nobody in the guest hears of is made again", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/vsock`;
  const listener = Deno.listen({ transport: "unix", path });
  const vsock = new HybridVsock(path);
  try {
    const dialled = vsock.dial(new AbortController().signal);
    const lost = await listener.accept();
    const heard = await listener.accept();
    await heard.write(new TextEncoder().encode("OK 1\n"));
    (await dialled).close();
    // The first was given up.
    const buffer = new Uint8Array(64);
    const count = await lost.read(buffer);
    assertEquals(
      new TextDecoder().decode(buffer.subarray(0, count!)),
      "CONNECT 1234\n",
    );
    assertEquals(await lost.read(buffer), null);
    lost.close();
    heard.close();
  } finally {
    vsock.close();
    listener.close();
    await Deno.remove(directory, { recursive: true });
  }
});
