import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { UsageError } from "../../../mod.ts";
import { listenAt } from "../../../src/machine/waits/socket_address.ts";

const signal = new AbortController().signal;

async function talk(a: Deno.Conn | { read: Deno.Conn["read"] }, b: Deno.Conn) {
  await b.write(new Uint8Array([7]));
  const buffer = new Uint8Array(8);
  assertEquals(await a.read(buffer), 1);
  assertEquals(buffer[0], 7);
}

for (
  const address of ["tcp-listen:0", "TCP-LISTEN:0,reuseaddr,fork", "0"]
) {
  Deno.test(`listenAt() waits at ${address}, on the loopback interface`, async () => {
    await using place = listenAt(address);
    const [, host, port] = /^tcp:([\d.]+):(\d+)$/.exec(place.address)!;
    assertEquals(host, "127.0.0.1");
    using client = await Deno.connect({ port: Number(port) });
    await talk(await place.accept(signal), client);
  });
}

Deno.test("listenAt() waits at a UNIX socket, and takes it away afterwards", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/socket`;
  for (const address of [`unix-listen:${path}`, `unix:${path}`, path]) {
    {
      await using place = listenAt(address);
      const accepted = place.accept(signal);
      using client = await Deno.connect({ transport: "unix", path });
      await talk(await accepted, client);
    }
    await assertRejects(() => Deno.lstat(path), Deno.errors.NotFound);
  }
  await Deno.remove(directory, { recursive: true });
});

Deno.test("listenAt() connects to a listener", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using place = listenAt(`tcp:localhost:${listener.addr.port}`);
  const [stream, other] = await Promise.all([
    place.accept(signal),
    listener.accept(),
  ]);
  await talk(stream, other);
  other.close();
});

Deno.test("listenAt() no longer waits when the signal is aborted", async () => {
  const controller = new AbortController();
  await using place = listenAt("tcp-listen:0");
  const accepted = place.accept(controller.signal);
  controller.abort(new Error("enough"));
  await assertRejects(() => accepted, Error, "enough");
});

for (
  const address of [
    "",
    "readline",
    "unix:",
    "tcp-listen:x",
    "tcp:80",
    "exec:sh",
  ]
) {
  Deno.test(`listenAt() refuses ${JSON.stringify(address)}`, () => {
    assertThrows(() => listenAt(address), UsageError, "Expected a");
  });
}
