import { assertEquals } from "@std/assert";

const ROOM = `${import.meta.dirname}/../../src/shell`;

Deno.test("the way of a command names each file of the room once", async () => {
  const readme = await Deno.readTextFile(`${ROOM}/README.md`);
  const way = readme.split("## From `succeed")[1];
  const named = [...way.matchAll(/`([\w/]+\.(?:ts|sh))`/g)]
    .map(([, name]) => name);
  const files = ["", "guest/"].flatMap((folder) =>
    [...Deno.readDirSync(`${ROOM}/${folder}`)]
      .filter(({ name, isFile }) => isFile && name !== "README.md")
      .map(({ name }) => folder + name)
  );
  assertEquals(named.toSorted(), files.toSorted());
});
