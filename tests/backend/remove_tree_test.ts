import { assertEquals } from "@std/assert";
import { removeTree } from "../../src/backend/remove_tree.ts";

Deno.test("a tree is removed whose directories are read-only", async () => {
  const place = await Deno.makeTempDir();
  await Deno.mkdir(`${place}/tree/inner`, { recursive: true });
  await Deno.writeTextFile(`${place}/tree/inner/file`, "text");
  await Deno.chmod(`${place}/tree/inner`, 0o500);
  removeTree(`${place}/tree`);
  assertEquals([...Deno.readDirSync(place)], []);
  // The end of a run may have removed it before.
  removeTree(`${place}/tree`);
  await Deno.remove(place);
});
