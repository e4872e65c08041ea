import { assertEquals } from "@std/assert";
import { SwitchedStream } from "../../src/backend/nspawn/switched_stream.ts";
import { Supervisor } from "../../src/backend/supervisor.ts";
import { delay } from "../../src/time/mod.ts";

/** Reads and writes text. */
function texts(stream: SwitchedStream) {
  const buffer = new Uint8Array(4);
  return {
    write: (text: string) => stream.write(new TextEncoder().encode(text)),
    async read(): Promise<string | null> {
      const count = await stream.read(buffer);
      if (count === null) return null;
      return new TextDecoder().decode(buffer.subarray(0, count));
    },
  };
}

Deno.test("the other end is one process after the other", async () => {
  await using supervisor = new Supervisor();
  const stream = new SwitchedStream();
  const { read, write } = texts(stream);
  assertEquals(await write("lost"), 4);
  for (const name of ["a", "b"]) {
    const process = supervisor.spawn(`read -r line; echo "${name}$line"`);
    const connected = stream.connect(process);
    assertEquals(await write("12\n"), 3);
    assertEquals(await read(), `${name}12\n`);
    assertEquals(await connected, true);
    await process.stderr.cancel();
    assertEquals(await write("lost"), 4);
  }
  stream.close();
  assertEquals(await read(), null);
});

Deno.test("the stream notices a process that writes nothing", async () => {
  await using supervisor = new Supervisor();
  const stream = new SwitchedStream();
  const process = supervisor.spawn("exit 1");
  assertEquals(await stream.connect(process), false);
  await process.stderr.cancel();
  stream.close();
});

Deno.test("bytes that exceed the reader's buffer come in parts", async () => {
  await using supervisor = new Supervisor();
  const stream = new SwitchedStream();
  const { read } = texts(stream);
  const process = supervisor.spawn("printf 1234567; read -r _");
  const connected = stream.connect(process);
  assertEquals([await read(), await read()], ["1234", "567"]);
  await stream.write(new TextEncoder().encode("\n"));
  await connected;
  await process.stderr.cancel();
  stream.close();
});

Deno.test("a process has ended also where its children hold its stdout", async () => {
  await using supervisor = new Supervisor();
  const stream = new SwitchedStream();
  const { read } = texts(stream);
  const process = supervisor.spawn("setsid sleep 1000 & echo go");
  const connected = stream.connect(process);
  assertEquals(await read(), "go\n");
  await connected;
  await process.stderr.cancel();
  stream.close();
});

Deno.test("the last output of a process comes even after its end", async () => {
  await using supervisor = new Supervisor();
  const stream = new SwitchedStream();
  const { read } = texts(stream);
  // Any pipe takes a page, so that the process ends before anybody reads.
  const process = supervisor.spawn("yes | head -c 4000");
  const connected = stream.connect(process, { toEnd: true });
  connected.then(() => stream.close());
  await process.status;
  let count = 0;
  for (let part; (part = await read()) !== null;) count += part.length;
  assertEquals(count, 4000);
  await process.stderr.cancel();
});

Deno.test("the last output of a process comes also where what came before is still being read", async () => {
  await using supervisor = new Supervisor();
  const stream = new SwitchedStream();
  // More than a pipe takes, so that the process ends after a part was read.
  const process = supervisor.spawn("yes | head -c 66000");
  const connected = stream.connect(process);
  connected.then(() => stream.close());
  await process.status;
  // By then, the stream knows of that end too.
  await delay(0);
  const buffer = new Uint8Array(4096);
  let count = 0;
  for (let part; (part = await stream.read(buffer)) !== null;) count += part;
  assertEquals(count, 66000);
  await process.stderr.cancel();
});
