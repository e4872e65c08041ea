import { assert, assertEquals, assertMatch } from "@std/assert";
import { Nix, releases, root } from "./nix.ts";

const nixpkgs = `path:${root}/tests/nix/nixpkgs`;
const manifest = JSON.parse(Deno.readTextFileSync(`${root}/deno.json`));
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
  Deno.mkdirSync(`${folder}/wasm`);
  for (const name of ["deno.json", "deno.lock"]) {
    Deno.copyFileSync(`${root}/wasm/${name}`, `${folder}/wasm/${name}`);
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

for (const release of releases) {
  Deno.test(`by Nix ${release.version}, the flake`, async (t) => {
    await using nix = new Nix({}, release);
    const flake = copyFlake(nix);

    await t.step(
      "shows its packages, checks, shells, formatter, module and template on both systems",
      async () => {
        const shown = JSON.parse(
          await nix.run([
            "flake",
            "show",
            "--json",
            ...offline,
            `path:${flake}`,
          ]),
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
        assert(shown.overlays.default);
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

    const checkTemplate = (project: string, ...more: string[]) =>
      nix.run([
        "flake",
        "check",
        "--no-build",
        ...offline,
        "--override-input",
        "vmwright",
        `path:${flake}`,
        ...more,
        `path:${project}`,
      ]);

    await t.step("has a template whose check evaluates", async () => {
      const project = `${nix.folder("project")}/new`;
      copyTree(`${root}/nix/template`, project);
      await checkTemplate(
        project,
        "--override-input",
        "vmwright/nixpkgs",
        nixpkgs,
      );
    });

    await t.step("takes the nixpkgs of who uses it", async () => {
      const project = `${nix.folder("project")}/following`;
      copyTree(`${root}/nix/template`, project);
      const file = `${project}/flake.nix`;
      const text = Deno.readTextFileSync(file);
      const following = text.replace("# vmwright.inputs", "vmwright.inputs");
      assertMatch(
        following,
        /^ *vmwright\.inputs\.nixpkgs\.follows = "nixpkgs";$/m,
      );
      Deno.writeTextFileSync(file, following);
      await checkTemplate(project);
    });

    await t.step("makes the outputs of a flake of a suite", async () => {
      const project = nix.folder("project/suite");
      Deno.writeTextFileSync(
        `${project}/flake.nix`,
        `{
  inputs.vmwright.url = "path:${flake}";
  outputs = { vmwright, ... }:
    let
      suite = vmwright.lib.mkSuite {
        pkgs = vmwright.inputs.nixpkgs.legacyPackages.x86_64-linux;
        tests.web = {
          nodes.server = { };
          testScript = "await startAll();";
        };
      };
    in
    {
      checks.x86_64-linux = suite.checks;
      hydraJobs = suite.hydraJobs;
      legacyPackages.x86_64-linux.suite = suite.legacyPackages;
    };
}
`,
      );
      const input = ["--override-input", "vmwright/nixpkgs", nixpkgs];
      const at = ["--no-write-lock-file", ...input, `path:${project}`];
      await nix.run(["flake", "check", "--no-build", ...at]);
      const shown = JSON.parse(
        await nix.run(["flake", "show", "--json", "--legacy", ...at]),
      );
      assertEquals(Object.keys(shown.checks["x86_64-linux"]), ["suite", "web"]);
      assertEquals(Object.keys(shown.hydraJobs), ["suite", "web"]);
    });

    await t.step("is there without flakes, too", async () => {
      const { names, command } = await nix.evaluate(`
        let
          vmwright = import ${root}/nix { inherit pkgs; };
          test = vmwright.lib.mkTest {
            inherit pkgs;
            nodes.web = { };
            testScript = "await startAll();";
          };
          inFramework = pkgs.testers.runNixOSTest {
            imports = [ vmwright.nixosModules.test ];
            name = "sample";
            nodes.web = { };
            testScript = "start_all()";
          };
          overlaid = vmwright.overlays.default pkgs pkgs;
        in {
          names = map (one: one.name) [ vmwright.vmwright overlaid.vmwright test inFramework.driver ];
          command = test.driver.buildCommand;
        }`) as { names: string[]; command: string };
      assertEquals(names, [
        `vmwright-${manifest.version}`,
        `vmwright-${manifest.version}`,
        "vm-test-run-test",
        "nixos-test-driver-sample",
      ]);
      assertMatch(
        command,
        new RegExp(
          `makeWrapper \\S+-vmwright-${manifest.version}/bin/vmwright `,
        ),
      );
    });

    await t.step(
      "has the script for its package where nixpkgs has no denort",
      async () => {
        const packages = `{
        without = pkgs.callPackage ${root}/nix/package.nix {
          deno = removeAttrs pkgs.deno [ "denort" ];
        };
        apart = pkgs.callPackage ${root}/nix/package.nix {
          deno = removeAttrs pkgs.deno [ "denort" ];
          denort = pkgs.coreutils;
        };
        inside = pkgs.callPackage ${root}/nix/package.nix { };
      }`;
        const names = await nix.evaluate(
          `builtins.mapAttrs (_: one: one.pname) ${packages}`,
        );
        assertEquals(names, {
          apart: "vmwright",
          inside: "vmwright",
          without: "vmwright-script",
        });
      },
    );
  });
}
