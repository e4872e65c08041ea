import { assertEquals, assertThrows } from "@std/assert";
import { toText } from "@std/streams";
import { RewrittenFile } from "../../src/report/rewritten_file.ts";
import { withFolder } from "./process.ts";

/** Writes what a function gives. */
const writing = (text: () => string) => (path: string) =>
  Deno.writeTextFileSync(path, text());

Deno.test("a reader of a report that is rewritten meanwhile reads one whole version", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/report`;
    let text = "old\n".repeat(1000);
    const file = new RewrittenFile(path, writing(() => text));
    using reader = await Deno.open(path);
    text = "new";
    file.write();
    assertEquals(
      await toText(reader.readable),
      "old\n".repeat(1000),
    );
    assertEquals(await Deno.readTextFile(path), "new");
    assertEquals([...Deno.readDirSync(folder)].length, 1);
  });
});

Deno.test("a report that can't be written stays what it was, and leaves nothing beside it", async () => {
  await withFolder((folder) => {
    const path = `${folder}/report`;
    let isFull = false;
    const file = new RewrittenFile(path, (path) => {
      Deno.writeTextFileSync(path, "text");
      if (isFull) throw new Error("no room");
    });
    isFull = true;
    assertThrows(() => file.write(), Error, "no room");
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), [
      "report",
    ]);
  });
});

Deno.test("a report goes through a link, which stays one", async () => {
  await withFolder(async (folder) => {
    await Deno.symlink("target", `${folder}/link`);
    await Deno.writeTextFile(`${folder}/target`, "");
    new RewrittenFile(`${folder}/link`, writing(() => "text")).write();
    assertEquals(await Deno.readLink(`${folder}/link`), "target");
    assertEquals(await Deno.readTextFile(`${folder}/target`), "text");
  });
});

Deno.test("a report is written once in a while, however often it changes", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/report`;
    let version = 0;
    const file = new RewrittenFile(path, writing(() => String(++version)));
    for (let i = 0; i < 1000; i++) file.touch();
    // At most one interval of seconds has passed on a slow host.
    const written = Number(await Deno.readTextFile(path));
    assertEquals(written < 100, true, `${written} versions`);
    assertEquals(written, version);
  });
});
