import { assertEquals } from "@std/assert";

const helper = new URL("./bundler.ts", import.meta.url).href;

Deno.test("once the bundler was fetched, several may bundle at once on a fresh machine", async () => {
  const place = await Deno.makeTempDir();
  try {
    const deno = async (...args: string[]) => {
      const { success, stdout, stderr } = await new Deno.Command(
        Deno.execPath(),
        { args, cwd: place, env: { DENO_DIR: `${place}/cache` } },
      ).output();
      const said = [stdout, stderr].map((bytes) =>
        new TextDecoder().decode(bytes)
      ).join("");
      return { success, said };
    };
    await Deno.writeTextFile(`${place}/a.ts`, "console.log(1);\n");
    await Deno.writeTextFile(
      `${place}/fetch.ts`,
      `import { fetchBundler } from "${helper}";
      console.log(await fetchBundler());\n`,
    );
    const fetched = await deno("run", "-A", "--no-config", "fetch.ts");
    assertEquals(fetched.said, "undefined\n");
    const bundles = await Promise.all(
      [1, 2, 3, 4].map((n) =>
        deno("bundle", "--quiet", "--no-config", "-o", `${n}.js`, "a.ts")
      ),
    );
    for (const { success, said } of bundles) assertEquals(success, true, said);
  } finally {
    await Deno.remove(place, { recursive: true });
  }
});
