import { assertEquals, assertRejects } from "@std/assert";
import { cached } from "./cache.ts";

/** Runs with a cache of its own. */
async function withCache(fn: (root: string) => Promise<void>): Promise<void> {
  const before = Deno.env.get("XDG_CACHE_HOME");
  const root = await Deno.makeTempDir();
  Deno.env.set("XDG_CACHE_HOME", root);
  try {
    await fn(`${root}/vmwright/guests`);
  } finally {
    if (before === undefined) Deno.env.delete("XDG_CACHE_HOME");
    else Deno.env.set("XDG_CACHE_HOME", before);
    await Deno.remove(root, { recursive: true });
  }
}

const recipe = { name: "soup", ingredients: 1 };

Deno.test("a recipe that was built is not built again", async () => {
  await withCache(async () => {
    let builds = 0;
    const build = async (directory: string) => {
      await Deno.writeTextFile(`${directory}/file`, String(++builds));
    };
    const first = await cached(recipe, build);
    assertEquals(await cached(recipe, build), first);
    assertEquals(await Deno.readTextFile(`${first}/file`), "1");
    await cached({ ...recipe, ingredients: 2 }, build);
    assertEquals(builds, 2);
  });
});

Deno.test("only one of two builders of a recipe builds", async () => {
  await withCache(async () => {
    let builds = 0;
    const build = async (directory: string) => {
      builds++;
      await Deno.writeTextFile(`${directory}/file`, "");
    };
    const [one, other] = await Promise.all([
      cached(recipe, build),
      cached(recipe, build),
    ]);
    assertEquals(one, other);
    assertEquals(builds, 1);
  });
});

Deno.test("a failed build leaves nothing that looks built", async () => {
  await withCache(async (root) => {
    await assertRejects(
      () =>
        cached(recipe, async (directory) => {
          await Deno.writeTextFile(`${directory}/half`, "");
          throw new Error("out of salt");
        }),
      Error,
      "out of salt",
    );
    const left = [...Deno.readDirSync(root)].filter((entry) =>
      entry.isDirectory
    );
    assertEquals(left, []);
  });
});

Deno.test("a build gets the later name of its directory", async () => {
  await withCache(async () => {
    let named = "";
    const directory = await cached(recipe, (_, final) => {
      named = final;
      return Promise.resolve();
    });
    assertEquals(named, directory);
  });
});
