import { assert, assertEquals, assertMatch } from "@std/assert";
import { missing, Nix, root } from "./nix.ts";

const nixpkgs = `path:${root}/tests/nix/nixpkgs`;
const offline = [
  "--override-input",
  "nixpkgs",
  nixpkgs,
  "--no-write-lock-file",
];

/** The parts of the checkout that make up the flake, without what lies about. */
function copyFlake(nix: Nix): string {
  const folder = nix.folder("flake");
  for (const name of ["flake.nix", "flake.lock", "deno.json", "deno.lock"]) {
    Deno.copyFileSync(`${root}/${name}`, `${folder}/${name}`);
  }
  copyTree(`${root}/nix`, `${folder}/nix`);
  return folder;
}

function copyTree(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    const [source, target] = [`${from}/${name}`, `${to}/${name}`];
    isDirectory ? copyTree(source, target) : Deno.copyFileSync(source, target);
  }
}

Deno.test("the flake", { ignore: missing !== undefined }, async (t) => {
  await using nix = new Nix();
  const flake = copyFlake(nix);

  await t.step(
    "shows its packages, checks, shells, formatter, module and template on both systems",
    async () => {
      const shown = JSON.parse(
        await nix.run(["flake", "show", "--json", ...offline, `path:${flake}`]),
      );
      const names = (set: Record<string, unknown>) => Object.keys(set).sort();
      for (const system of ["x86_64-linux", "aarch64-linux"]) {
        assertEquals(names(shown.packages[system]), [
          "default",
          "script",
          "vmwright",
        ]);
        assertEquals(names(shown.checks[system]), [
          "framework-python",
          "framework-typescript",
          "script",
          "vmwright",
          "without-framework",
        ]);
        assert(shown.devShells[system].default);
        assert(shown.formatter[system]);
      }
      assert(shown.nixosModules.test);
      assert(shown.templates.default);
    },
  );

  await t.step("is locked to what its inputs ask for", async () => {
    // Where the lock file did not fit, this would have to fetch.
    const { locks } = JSON.parse(
      await nix.run([
        "flake",
        "metadata",
        "--json",
        "--no-update-lock-file",
        `path:${flake}`,
      ]),
    );
    assertMatch(locks.nodes.nixpkgs.locked.rev, /^[0-9a-f]{40}$/);
  });

  await t.step("passes nix flake check without builds", async () => {
    await nix.run([
      "flake",
      "check",
      "--no-build",
      ...offline,
      `path:${flake}`,
    ]);
  });

  await t.step("has a template whose check evaluates", async () => {
    const project = `${nix.folder("project")}/new`;
    copyTree(`${root}/nix/template`, project);
    await nix.run([
      "flake",
      "check",
      "--no-build",
      ...offline,
      "--override-input",
      "vmwright",
      `path:${flake}`,
      "--override-input",
      "vmwright/nixpkgs",
      nixpkgs,
      `path:${project}`,
    ]);
  });
});
