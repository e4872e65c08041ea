import { assertEquals } from "@std/assert";
import { PortReader } from "../../src/shell/port_reader.ts";

const TOKEN = "vw0123456789abcdef012345";

/** What a reader makes of `bytes`, which arrive in chunks of `length`. */
async function readIn(bytes: Uint8Array, length: number): Promise<string[]> {
  using reader = new PortReader(TOKEN);
  const heard: string[] = [];
  const latin1 = new TextDecoder("latin1");
  let at = 0;
  await reader.read({
    read(buffer) {
      const chunk = bytes.subarray(at, at + Math.min(length, buffer.length));
      buffer.set(chunk);
      at += chunk.length;
      return Promise.resolve(chunk.length === 0 ? null : chunk.length);
    },
    write: () => Promise.reject(new Error("nobody writes here")),
    close: () => {},
  }, {
    data(chunk) {
      const text = latin1.decode(chunk);
      if (heard.at(-1)?.startsWith("data ")) heard[heard.length - 1] += text;
      else heard.push(`data ${text}`);
    },
    code: (code) => heard.push(`code ${Object.values(code).join(" ")}`),
  });
  return heard;
}

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("output and codes are told apart however the stream is cut", async () => {
  const stream = encode(
    `${TOKEN}rdy0000123one vw0123 two${TOKEN}0         ` +
      `${TOKEN}rdy0000124${TOKEN}vvvvvvvvv${TOKEN}255       `,
  );
  const whole = await readIn(stream, stream.length);
  assertEquals(whole, [
    "code ready 123",
    "data one vw0123 two",
    "code status 0",
    "code ready 124",
    `data ${TOKEN}vvvvvvvvv`,
    "code status 255",
  ]);
  for (let length = 1; length < stream.length; length++) {
    assertEquals(await readIn(stream, length), whole, `chunks of ${length}`);
  }
});

Deno.test("the beginning of a token at the end of the output is output", async () => {
  for (let length = 1; length < TOKEN.length; length++) {
    const stream = encode(`x${TOKEN.slice(0, length)}${TOKEN}7         `);
    assertEquals(await readIn(stream, 3), [
      `data x${TOKEN.slice(0, length)}`,
      "code status 7",
    ]);
  }
});
