import { cpuUsage } from "node:process";
import { assert, assertEquals } from "@std/assert";
import { ConsoleLink } from "../../src/shell/console_link.ts";
import type { Message } from "../../src/shell/message.ts";

const KIB = 1024;

/**
 * Milliseconds of a processor's time that reading the pieces takes, and the
 * messages in them.
 */
async function read(
  pieces: Iterator<string>,
): Promise<{ ms: number; messages: Message[] }> {
  const messages: Message[] = [];
  const link = new ConsoleLink({
    read(buffer) {
      const { value, done } = pieces.next();
      if (done) return Promise.resolve(null);
      const { written } = new TextEncoder().encodeInto(value, buffer);
      return Promise.resolve(written);
    },
    write: (bytes) => Promise.resolve(bytes.length),
    close() {},
  });
  const began = cpuUsage();
  await link.read("TOKEN", {
    greeting() {},
    message: (message) => messages.push(message),
    noise() {},
    closed() {},
  });
  const { user, system } = cpuUsage(began);
  return { ms: (user + system) / 1000, messages };
}

/** Noise in pieces that end so, and then a message. */
function* noise(end: string): Generator<string> {
  const piece = "x".repeat(KIB - end.length) + end;
  for (let n = 0; n < 8 * KIB; n++) yield piece;
  yield* ["TOK", "EN done c1 0", "\nx"];
}

Deno.test("a message is heard after a line of noise of 8 MiB, which takes about as long as short ones", async () => {
  const short = await read(noise("\n"));
  const long = await read(noise("x"));
  assertEquals(short.messages, [{ verb: "done", job: "c1", status: 0 }]);
  assertEquals(long.messages, short.messages);
  assert(long.ms < 50 * short.ms, `${long.ms} ms, and ${short.ms} ms`);
});
