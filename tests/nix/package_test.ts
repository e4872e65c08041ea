import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { missing, Nix, NixError, root } from "./nix.ts";

const deno = Deno.execPath();

/** The npm packages that nix would fetch for the package. */
function npmPackages(): { name: string; version: string }[] {
  const locked = new Set(
    ["deno.lock", "wasm/deno.lock"].flatMap((lock) =>
      Object.keys(JSON.parse(Deno.readTextFileSync(`${root}/${lock}`)).npm)
    ),
  );
  const esbuild = /esbuild = \{\s*version = "([^"]+)"/.exec(
    Deno.readTextFileSync(`${root}/nix/package.nix`),
  );
  assert(esbuild);
  const platform = Deno.build.arch === "aarch64" ? "linux-arm64" : "linux-x64";
  return [
    ...[...locked].map((key) => {
      const [, name, version] = /^(@?[^@]+)@([^_]+)/.exec(key)!;
      return { name, version };
    }),
    { name: `@esbuild/${platform}`, version: esbuild[1] },
  ];
}

/**
 * Makes npm fetch them, and puts them where nix looks for fetched files.
 *
 * @returns Why that is not possible, if it is not.
 */
async function provideNpmPackages(nix: Nix): Promise<string | undefined> {
  const packed = nix.folder("packed"), fetched = nix.folder("fetched");
  const packages = npmPackages();
  try {
    const { success, stderr } = await new Deno.Command("npm", {
      args: [
        ...["pack", "--pack-destination", packed],
        ...["--prefer-offline", "--fetch-retries=0", "--loglevel=error"],
        ...packages.map(({ name, version }) => `${name}@${version}`),
      ],
      stdin: "null",
    }).output();
    if (!success) {
      const text = new TextDecoder().decode(stderr).trim();
      const reason = /^npm error (?!code|syscall|errno)(.+)$/m.exec(text);
      return `npm: ${reason?.[1] ?? text}`;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return "there is no npm";
  }
  for (const { name, version } of packages) {
    const archive = `${name.replace(/^@/, "").replace("/", "-")}-${version}`;
    const path = `${fetched}/${name.replace(/.*\//, "")}-${version}.tgz`;
    await Deno.rename(`${packed}/${archive}.tgz`, path);
    await nix.addFetched(path);
  }
}

Deno.test("the package", { ignore: missing !== undefined }, async (t) => {
  await using nix = new Nix({
    VMWRIGHT_TEST_PATH: [
      deno.replace(/\/[^/]*$/, ""),
      Deno.env.get("PATH"),
    ].join(":"),
  });
  const obstacle = await provideNpmPackages(nix);
  if (obstacle !== undefined) {
    console.log(`tests/nix: no package is built, ${obstacle}`);
    return;
  }
  const build = (settings: string) =>
    nix.build(`pkgs.callPackage ${root}/nix/package.nix { ${settings} }`);
  const script = await build("compiled = false;");

  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await new Deno.Command(
      `${script}/bin/vmwright`,
      { args, clearEnv: true, cwd: nix.folder("work"), stdin: "null" },
    ).output();
    const decoder = new TextDecoder();
    return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
  };

  await t.step("is a script that runs without an environment", async () => {
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

  await t.step("is one binary where there is a denort", async () => {
    // With this in it the binary starts as Deno, but it is made as any other.
    const compiled = await build(`
      deno = pkgs.deno // {
        denort = pkgs.runCommand "denort" { } ''
          mkdir -p $out/bin
          ln -s ${deno} $out/bin/denort
        '';
      };`);
    const size = Deno.statSync(deno).size;
    const binary = Deno.readFileSync(`${compiled}/libexec/vmwright`);
    assert(
      binary.length > size,
      `${binary.length} bytes, a denort has ${size}`,
    );
    assertStringIncludes(
      new TextDecoder("latin1").decode(binary.subarray(size)),
      "vmwright: ",
    );
    assertStringIncludes(
      Deno.readTextFileSync(`${compiled}/bin/vmwright`),
      `${compiled}/libexec/vmwright`,
    );
    assertEquals(
      Deno.readTextFileSync(`${compiled}/share/vmwright/cli.js`),
      Deno.readTextFileSync(`${script}/share/vmwright/cli.js`),
    );
    assert(Deno.statSync(`${compiled}/share/vmwright/mod.ts`).isFile);
  });

  await t.step(
    "is not built by a Deno that bundles by another esbuild, which is named",
    async () => {
      const settings = `
        compiled = false;
        deno = pkgs.runCommand "deno" { } ''
          mkdir -p $out/bin
          cat > $out/bin/deno <<'END'
          #!/bin/bash
          if [ "$1" = bundle ]; then mv "$DENO_DIR/dl" "$DENO_DIR/dl-of-another"; fi
          exec ${deno} "$@"
          END
          chmod +x $out/bin/deno
        '' // { version = "9.8.7"; meta.mainProgram = "deno"; };`;
      const error = await assertRejects(() => build(settings), NixError);
      assertMatch(
        error.message,
        /^vmwright-script> Deno 9\.8\.7 does not bundle by esbuild [\d.]+, expected a Deno that finds it in its cache$/m,
      );
    },
  );
});
