import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import project from "../../deno.json" with { type: "json" };
import { parseArguments } from "../../src/cli/arguments.ts";
import { helpText } from "../../src/cli/help.ts";
import { options } from "../../src/cli/options.ts";
import { vmwright } from "./vmwright.ts";

Deno.test("--help names every option, in lines of at most 80 characters", async () => {
  for (const spelling of ["--help", "-h"]) {
    const { code, stdout, stderr } = await vmwright([spelling]);
    assertEquals([code, stderr], [0, ""]);
    for (const { names } of Object.values(options)) {
      assertMatch(
        stdout,
        new RegExp(`-(-\\[no-\\])?${names[0].replace(/^--?/, "-?")}\\b`),
      );
    }
    for (const line of stdout.split("\n")) {
      assertEquals([...line].length <= 80, true, line);
    }
  }
});

Deno.test("--help wins over all else that can be understood", async () => {
  const { code, stdout } = await vmwright([
    "gone.ts",
    "--help",
    "--vlans",
    "x",
  ]);
  assertEquals(code, 0);
  assertStringIncludes(stdout, "Usage: vmwright");
});

Deno.test("--version prints the project's version", async () => {
  assertEquals(await vmwright(["--version"]), {
    code: 0,
    stdout: `vmwright ${project.version}\n`,
    stderr: "",
  });
});

Deno.test("a reader that stops in the help sees no error", async () => {
  const cli = new URL("../../cli.ts", import.meta.url).pathname;
  const command = `"${Deno.execPath()}" run -A "${cli}" --help | true`;
  const { code, stderr } = await new Deno.Command("/bin/sh", {
    args: ["-c", command],
  }).output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
});

Deno.test("the help's examples are understood", () => {
  const examples = [...helpText().matchAll(/^ {2}vmwright (.*)$/gm)]
    .map(([, line]) => line.split(" "));
  assertEquals(examples.length > 3, true);
  for (const words of examples) parseArguments(words);
});

interface GraphModule {
  specifier: string;
  dependencies?: {
    isDynamic?: boolean;
    code?: { specifier: string };
  }[];
}

Deno.test("the help and errors of the command line load no module that runs tests", async () => {
  const root = new URL("../../", import.meta.url).href;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", `${root}cli.ts`],
  }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
    modules: GraphModule[];
  };
  const bySpecifier = new Map(modules.map((m) => [m.specifier, m]));
  const loaded = new Set<string>();
  const load = (specifier: string) => {
    if (loaded.has(specifier)) return;
    loaded.add(specifier);
    for (
      const { isDynamic, code } of bySpecifier.get(specifier)!.dependencies ??
        []
    ) {
      if (!isDynamic && code !== undefined) load(code.specifier);
    }
  };
  load(`${root}cli.ts`);
  const rooms = [...loaded].map((specifier) => specifier.replace(root, ""));
  for (const room of rooms) {
    assertMatch(
      room,
      /^(cli\.ts|src\/cli\/.*|src\/machine\/file_name\.ts|src\/errors\.ts|src\/paths\.ts|src\/report\/nearest\.ts|src\/stream\/write_all\.ts|src\/shell\/shell_quote\.ts|src\/scan\/harmless\.ts|src\/script\/language\.ts|src\/run\/(exit_codes|screenshot_mode)\.ts|src\/driver\/machine_name\.ts|src\/backend\/(start_command|kinds|\w+\/(kind|needs|seen_machine|fields))\.ts|src\/suite\/(size|shard)\.ts)$/,
    );
  }
});
