/** The reader of serial ports, beside what is read elsewhere. */
import { assertEquals } from "@std/assert";
import { haveCaughtUp } from "../../src/backend/caught_up.ts";
import { SerialReader } from "../../src/backend/serial_reader.ts";
import { PipeReader } from "../../src/stream/mod.ts";

Deno.test("a reader that has caught up has read what was written before", async () => {
  const directory = await Deno.makeTempDir();
  const [begin, written] = ["begin", "written"].map((name) =>
    `${directory}/${name}`
  );
  const text = "x".repeat(40_000);
  const { success } = await new Deno.Command("mkfifo", {
    args: [begin, written],
  }).output();
  assertEquals(success, true);
  const writer = new Deno.Command("bash", {
    // The pipe stays open after the text.
    args: [
      "-c",
      `read <"$0"; printf %s "$2"; echo >"$1"; read; printf end`,
      ...[begin, written, text],
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = new SerialReader(new PipeReader(writer.stdout));
  let read = "";
  const reading = (async () => {
    for await (const bytes of reader) read += new TextDecoder().decode(bytes);
  })();

  // This reads nothing until all has been written.
  Deno.writeTextFileSync(begin, "\n");
  new Deno.Command("cat", { args: [written] }).outputSync();
  assertEquals(read, "");
  await haveCaughtUp([reader]);
  assertEquals(read, text);

  await writer.stdin.close();
  await reading;
  assertEquals(read, `${text}end`);
  // After the end there is nothing to wait for.
  await haveCaughtUp([reader]);
  await writer.status;
  await Deno.remove(directory, { recursive: true });
});
