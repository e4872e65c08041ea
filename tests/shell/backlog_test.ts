import { assert, assertEquals } from "@std/assert";
import { ConsoleLink, GREETING } from "../../src/shell/console_link.ts";
import { PortStream } from "../../src/shell/port_stream.ts";
import type { ByteStream } from "../../src/stream/mod.ts";
import { turn } from "./memory_stream.ts";

/** How many texts a guest sends. */
const COUNT = 20_000;
/** How many of them are read at once. */
const AT_ONCE = 100;

/** A guest that writes on and on, and reads nothing until it is let. */
function busyGuest(text: string) {
  const reading = Promise.withResolvers<void>();
  let left = COUNT;
  const stream: ByteStream = {
    read(buffer) {
      if (left === 0) return Promise.resolve(null);
      left -= AT_ONCE;
      const bytes = new TextEncoder().encode(text.repeat(AT_ONCE));
      buffer.set(bytes);
      return Promise.resolve(bytes.length);
    },
    write: (bytes) => reading.promise.then(() => bytes.length),
    close() {},
  };
  return { stream, reads: () => reading.resolve(), read: () => COUNT - left };
}

/** Waits until no more is read. */
async function untilStill(read: () => number): Promise<void> {
  for (let before = -1; before !== read();) {
    before = read();
    await turn();
  }
}

Deno.test("a console is read no further while the guest does not read the answers", async () => {
  const guest = busyGuest(`${GREETING}\n`);
  const link = new ConsoleLink(guest.stream);
  let greetings = 0;
  const ended = link.read("token", {
    greeting() {
      greetings++;
      link.send("who?\n");
    },
    message() {},
    noise() {},
    closed() {},
  });
  await untilStill(guest.read);
  assert(greetings < 5000, `${greetings} greetings are answered`);
  guest.reads();
  await ended;
  assertEquals(greetings, COUNT);
});

Deno.test("a port is read no further while the guest does not read the answers", async () => {
  const token = "vw0123456789012345678901";
  const guest = busyGuest(`${token}killed    `);
  const port = new PortStream({ name: "vw.0", stream: guest.stream }, token);
  let killed = 0;
  port.listen({
    data() {},
    code() {
      killed++;
      port.write(new Uint8Array(1), () => true);
    },
  });
  await untilStill(guest.read);
  assert(killed < 5000, `${killed} codes are answered`);
  guest.reads();
  await port.end;
  assertEquals(killed, COUNT);
});
