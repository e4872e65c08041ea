import { assertEquals } from "@std/assert";
import { LastWords } from "../../src/backend/last_words.ts";

Deno.test("the last ten lines are quoted, and no blank ones", () => {
  const words = new LastWords();
  assertEquals(words.quoted, "");
  for (let nr = 0; nr < 1000; nr++) {
    words.add(`line ${nr}`);
    words.add(" ");
  }
  assertEquals(
    words.quoted,
    ", and said last:\n" +
      Array.from({ length: 10 }, (_, n) => `line ${990 + n}`).join("\n"),
  );
});

Deno.test("of a file, only the end is read, and nothing that a terminal obeys is quoted", async () => {
  const path = await Deno.makeTempFile();
  const gibibyte = 2 ** 30;
  const file = await Deno.open(path, { write: true });
  await file.truncate(gibibyte);
  await file.seek(0, Deno.SeekMode.End);
  await file.write(
    new TextEncoder().encode("\n\x1b[31mout of \x07memory\nend"),
  );
  file.close();
  const words = new LastWords();
  words.add("before");
  words.addFile(path);
  assertEquals(words.lines, ["before", "out of ␇memory", "end"]);
  await Deno.remove(path);
});

Deno.test("a file that is not there has no lines", () => {
  const words = new LastWords();
  words.addFile("/nosuch/file");
  assertEquals(words.lines, []);
});
