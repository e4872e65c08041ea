import { assertEquals, assertRejects } from "@std/assert";
import { HybridVsock } from "../../../src/backend/microvm/vsock.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (text: string) => new TextEncoder().encode(text);

/** What a hypervisor's end of a connection hears next; nothing at its end. */
async function hear(end: Deno.Conn): Promise<string | undefined> {
  const buffer = new Uint8Array(64);
  const count = await end.read(buffer);
  return count === null ? undefined : text(buffer.subarray(0, count));
}

/** A virtual socket, and the hypervisor's listener for it. */
async function opened() {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/vsock`;
  const listener = Deno.listen({ transport: "unix", path });
  const vsock = new HybridVsock(path);
  return {
    vsock,
    listener,
    async [Symbol.asyncDispose]() {
      vsock.close();
      listener.close();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

Deno.test("a connection that the guest does not notice is made again", async () => {
  await using made = await opened();
  const { vsock, listener } = made;
  const dialled = vsock.dial(new AbortController().signal);
  using lost = await listener.accept();
  using heard = await listener.accept();
  await heard.write(bytes("OK 1\n"));
  const stream = await dialled;
  await heard.write(bytes("from the second"));
  assertEquals(await hear(stream as Deno.Conn), "from the second");
  stream.close();
  assertEquals(await hear(lost), "CONNECT 1234\n");
});

Deno.test("a connection that the guest answers late is the one, however many were made after it", async () => {
  await using made = await opened();
  const { vsock, listener } = made;
  const dialled = vsock.dial(new AbortController().signal);
  using late = await listener.accept();
  using second = await listener.accept();
  await late.write(bytes("OK 1\n"));
  const stream = await dialled;
  await late.write(bytes("from the first"));
  assertEquals(await hear(stream as Deno.Conn), "from the first");
  stream.close();
  // The other one ends when the guest has answered it.
  assertEquals(await hear(second), "CONNECT 1234\n");
  await second.write(bytes("OK 2\n"));
  assertEquals(await hear(second), undefined);
});

Deno.test("a caller who gives up ends the connection only after the guest's answer", async () => {
  await using made = await opened();
  const { vsock, listener } = made;
  const gone = new AbortController();
  const dialled = vsock.dial(gone.signal);
  using end = await listener.accept();
  assertEquals(await hear(end), "CONNECT 1234\n");
  gone.abort(new Error("enough"));
  await assertRejects(() => dialled, Error, "enough");
  await end.write(bytes("OK 1\n"));
  assertEquals(await hear(end), undefined);
});

Deno.test("a virtual socket that closes ends the connections without an answer, too", async () => {
  await using made = await opened();
  const { vsock, listener } = made;
  const dialled = vsock.dial(new AbortController().signal);
  using end = await listener.accept();
  assertEquals(await hear(end), "CONNECT 1234\n");
  vsock.close();
  await assertRejects(() => dialled, Deno.errors.Interrupted);
  assertEquals(await hear(end), undefined);
});

Deno.test("a virtual socket that closes ends a connection that is just made, too", async () => {
  await using made = await opened();
  const { vsock, listener } = made;
  const { connect } = Deno;
  Object.assign(Deno, {
    async connect(options: Deno.UnixConnectOptions) {
      const stream = await connect(options);
      vsock.close();
      return stream;
    },
  });
  try {
    const dialled = vsock.dial(new AbortController().signal);
    await assertRejects(() => dialled, Deno.errors.Interrupted);
  } finally {
    Object.assign(Deno, { connect });
  }
  using end = await listener.accept();
  assertEquals(await hear(end), undefined);
});
