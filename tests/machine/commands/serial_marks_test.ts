import { assertEquals } from "@std/assert";
import { SerialMarks } from "../../../src/machine/commands/serial_marks.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (text: string) => new TextEncoder().encode(text);

/** Asks for a mark. Returns it, and whether it has arrived. */
function mark(marks: SerialMarks) {
  const state = { mark: "", arrived: false, done: Promise.resolve() };
  state.done = marks.arrived((text) => {
    state.mark = text;
    return Promise.resolve();
  }).then(() => void (state.arrived = true));
  return state;
}

Deno.test("a mark arrives in any pieces, and is not shown", async (t) => {
  for (const size of [1, 2, 5, 13, 14, 15, 100]) {
    await t.step(`of ${size} bytes`, async () => {
      const marks = new SerialMarks();
      const one = mark(marks);
      const two = mark(marks);
      const said = bytes(`be\x01fore\n${one.mark}ä${two.mark}after\n`);
      let seen = "";
      for (let at = 0; at < said.length; at += size) {
        seen += String.fromCharCode(
          ...marks.strip(said.subarray(at, at + size)),
        );
      }
      await one.done;
      await two.done;
      assertEquals(
        text(Uint8Array.from(seen, (c) => c.charCodeAt(0))),
        "be\x01fore\näafter\n",
      );
    });
  }
});

Deno.test("bytes that only look like the start of a mark come in the end", () => {
  const marks = new SerialMarks();
  const { mark: whole } = mark(marks);
  assertEquals(text(marks.strip(bytes(`a${whole.slice(0, 5)}`))), "a");
  // No mark has a hyphen, so that this one cannot go on with it by chance.
  assertEquals(text(marks.strip(bytes("-"))), `${whole.slice(0, 5)}-`);
  assertEquals(text(marks.strip(bytes(whole.slice(0, 5)))), "");
  assertEquals(text(marks.reset()), whole.slice(0, 5));
});

Deno.test("a mark that does not come is waited for only once", async () => {
  const marks = new SerialMarks();
  const one = mark(marks);
  await one.done;
  const two = mark(marks);
  await two.done;
  assertEquals(two.mark, "");
  // It comes after all.
  assertEquals(text(marks.strip(bytes(`a${one.mark}b`))), "ab");
  const three = mark(marks);
  assertEquals(text(marks.strip(bytes(`${three.mark}c`))), "c");
  await three.done;
});

Deno.test("a guest that ends lets nobody wait for its mark", async () => {
  const marks = new SerialMarks();
  const one = mark(marks);
  marks.reset();
  await one.done;
});
