import { assertEquals, assertMatch } from "@std/assert";
import { missing, Nix, root } from "./nix.ts";

const wanted = Deno.env.get("VMWRIGHT_TEST_PACKAGE") !== undefined;
if (!wanted) {
  console.log(
    "tests/nix: no package is built, VMWRIGHT_TEST_PACKAGE is not set (nix would fetch npm packages)",
  );
}

Deno.test("the package script", {
  ignore: missing !== undefined || !wanted,
}, async (t) => {
  await using nix = new Nix({
    VMWRIGHT_TEST_PATH: [
      Deno.execPath().replace(/\/[^/]*$/, ""),
      Deno.env.get("PATH"),
    ].join(":"),
  });
  const out = await nix.build(
    `pkgs.callPackage ${root}/nix/package.nix { compiled = false; }`,
  );

  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await new Deno.Command(
      `${out}/bin/vmwright`,
      { args, clearEnv: true, cwd: nix.folder("work"), stdin: "null" },
    ).output();
    const decoder = new TextDecoder();
    return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
  };

  await t.step("runs without an environment", async () => {
    const { version } = JSON.parse(
      Deno.readTextFileSync(`${root}/deno.json`),
    );
    assertEquals(await run("--version"), {
      code: 0,
      text: `vmwright ${version}\n`,
    });
  });

  await t.step(
    "brings the types that scripts are checked against",
    async () => {
      const script = `${nix.folder("work")}/script.ts`;
      const check = () =>
        run("check", "--start-scripts", "/x/run-web-vm", "--", script);
      Deno.writeTextFileSync(script, 'await web.succeed("true");\n');
      assertEquals(await check(), { code: 0, text: "" });
      Deno.writeTextFileSync(script, 'await web.sucseed("true");\n');
      const { code, text } = await check();
      assertEquals(code, 1);
      assertMatch(text, /Property 'sucseed' does not exist/);
    },
  );
});
