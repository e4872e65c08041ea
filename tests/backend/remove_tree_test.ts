import { assertEquals, assertThrows } from "@std/assert";
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

Deno.test("a tree that a guest has made too deep, and of names that are not UTF-8, is removed", async () => {
  const place = await Deno.makeTempDir();
  const script = `mkdir tree $'tree/\\351' && cd $'tree/\\351' || exit
    deep=$(printf 'd/%.0s' {1..1000})
    mkdir -p "$deep" && echo text >"$deep"$'\\351' && chmod 500 "$deep"`;
  const made = new Deno.Command("bash", { args: ["-c", script], cwd: place });
  assertEquals((await made.output()).success, true);
  // A process that has few files open takes fewer directories in each other.
  const module = import.meta.resolve("../../src/backend/remove_tree.ts");
  const remove = new Deno.Command("bash", {
    args: [
      "-c",
      'ulimit -n 500; exec "$@"',
      "bash",
      ...[Deno.execPath(), "eval", "--no-lock"],
      `import { removeTree } from "${module}"; removeTree("${place}/tree");`,
    ],
  });
  const { success, stderr } = await remove.output();
  assertEquals(new TextDecoder().decode(stderr), "");
  assertEquals(success, true);
  assertEquals([...Deno.readDirSync(place)], []);
  await Deno.remove(place);
});

Deno.test("what can't be removed is told", () => {
  assertThrows(() => removeTree("/proc/version"), Error, "/proc/version");
});
