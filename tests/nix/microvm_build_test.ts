import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { temporaryDirectory } from "../cli/vmwright.ts";
import { run } from "../guests/run.ts";
import { standIn } from "../stand_in/programs.ts";
import { environmentOfBuilds } from "./environment_of_builds.ts";
import { bzImage, type Packing, packings } from "./microvm/bz_image.ts";
import { microSystem } from "./microvm/system.ts";
import { newerErofs } from "./newer_erofs.ts";
import { missing, Nix, NixError } from "./nix.ts";

Deno.test("a microVM built by nix", {
  ignore: missing !== undefined,
}, async (t) => {
  using directory = temporaryDirectory();
  const { path: hypervisors } = directory;
  for (const name of ["firecracker", "cloud-hypervisor"] as const) {
    await standIn(name, hypervisors);
  }
  await using nix = new Nix({
    ...await environmentOfBuilds([hypervisors, await newerErofs()]),
    VMWRIGHT_TEST_LINUX: await microSystem(),
  });

  const sizes = "virtualisation = { memorySize = 256; diskSize = 64; };";
  const nodes = `
    nodes.one = { ${sizes} };
    nodes.two = { ${sizes} vmwright.backend = "cloud-hypervisor"; };`;
  const unchecked = "skipTypeCheck = true; skipLint = true;";

  await t.step(
    "boots from its root and the store, and finds the others by their names",
    async () => {
      await nix.build(`
        vmwright.mkTest {
          inherit pkgs;
          name = "sample";
          backend = "firecracker";
          ${nodes}
          ${unchecked}
          testScript = ''
            await startAll();
            const mounts = await one.succeed("cat /proc/mounts");
            assertStringIncludes(mounts, "/dev/vda / ext4 rw");
            assertStringIncludes(mounts, "/dev/vdb /nix/.ro-store erofs ro");
            await one.succeed("touch $(readlink -f /usr)/../../written");
            await one.waitUntilSucceeds("busybox ping -c 1 -W 5 two");
            await two.waitUntilSucceeds("busybox ping -c 1 -W 5 one");
          '';
        }`);
    },
  );

  await t.step(
    "is a node of the framework, beside others on QEMU",
    async () => {
      // The script is checked against the machines.
      const error = await assertRejects(
        () =>
          nix.build(`
          (standIn "configuration" {
            imports = [ (vmwright.testModule { }) ];
            name = "framework";
            nodes.one = { ${sizes} };
            nodes.two = { ${sizes} vmwright.backend = "firecracker"; };
            vmwright.language = "typescript";
            skipLint = true;
            testScript = ''
              await two.pause();
              await one.sendMonitorCommand("info version");
              await two.sendMonitorCommand("info version");
            '';
          }).config.driver`),
        NixError,
      );
      assertMatch(
        error.message,
        /:3:11: Property 'sendMonitorCommand' does not exist on type 'Machine<MicroVmMachine<"firecracker">>'[^]*has 1 type error/,
      );
    },
  );

  await t.step("is a machine of mkDriver, by its description", async () => {
    await nix.build(`
      let test = vmwright.mkTest {
        inherit pkgs;
        ${nodes}
        testScript = "";
      };
      in vmwright.mkDriver {
        inherit pkgs;
        ${unchecked}
        machines = {
          web = test.nodes.two.system.build.vm;
          db = test.nodes.two.system.build.vm.description;
        };
        testScript = "";
      }`).then(async (driver) => {
      assertEquals(
        Array.from(
          Deno.readDirSync(`${driver}/start-scripts`),
          ({ name }) => name,
        ).sort(),
        ["run-db-cloud-hypervisor.json", "run-web-cloud-hypervisor.json"],
      );
      const { code } = await new Deno.Command(
        `${driver}/bin/nixos-test-driver`,
        { clearEnv: true, cwd: nix.folder("run"), stdout: "null" },
      ).output();
      assertEquals(code, 0);
    });
  });
});

Deno.test("of a microVM, nix builds", {
  ignore: missing !== undefined,
}, async (t) => {
  const erofs = await newerErofs();
  await using nix = new Nix(await environmentOfBuilds([erofs]));

  await t.step(
    "an image of the store with nothing but what its test needs",
    async () => {
      const image = await nix.build(`
        let
          one = pkgs.runCommand "one" { } ''
            mkdir -p $out/bin
            echo 1 > $out/bin/program
            chmod +x $out/bin/program
            ln -s program $out/bin/link
          '';
          two = pkgs.runCommand "two" { } "mkdir $out; ln -s \${one} $out/one";
          other = pkgs.runCommand "other" { } "mkdir $out";
        in
        builtins.seq "\${other}" (import ${nixFile("store-image.nix")} {
          inherit pkgs;
          paths = [ two ];
        }).image`);
      const tree = nix.folder("tree");
      await run(`${erofs}/fsck.erofs`, [
        `--extract=${tree}`,
        "--overwrite",
        image,
      ]);
      const store = nix.environment.NIX_STORE_DIR;
      const found = Array.from(Deno.readDirSync(tree), ({ name }) => name);
      assertEquals(
        found.map((name) => name.slice(33)).sort(),
        ["closure-info", "one", "two"],
      );
      for (const name of found) {
        await run("diff", ["-r", `${store}/${name}`, `${tree}/${name}`]);
      }
      const one = found.find((name) => name.endsWith("-one"))!;
      const { mode, mtime } = await Deno.stat(`${tree}/${one}/bin/program`);
      assertEquals(mode! & 0o777, 0o555);
      assertEquals(mtime, new Date(1000));
    },
  );

  await t.step("a root with nothing on it, the same each time", async () => {
    const root = `import ${
      nixFile("root-image.nix")
    } { inherit pkgs; size = 40; }`;
    const image = await nix.build(root);
    // Fails where another build makes another file.
    await nix.build(root, ["--rebuild"]);
    assertEquals((await Deno.stat(image)).size, 40 * 2 ** 20);
    await run("e2fsck", ["-fn", image]);
    const files = await run("debugfs", ["-R", "ls -l /", image]);
    assertMatch(
      new TextDecoder().decode(files),
      /^\s*2\s+40755 \(2\)\s+0\s+0 .*\n\s*2 .*\n\s*11\s+40700 .*lost\+found\n\s*$/,
    );
  });

  for (const packing of Object.keys(packings) as Packing[]) {
    await t.step(`the kernel out of one packed by ${packing}`, async () => {
      const kernel = new Uint8Array(100_000).map((_, at) => at % 251);
      kernel.set([0x7f, ...new TextEncoder().encode("ELF")]);
      const file = `${nix.folder("kernels")}/${packing}`;
      await Deno.writeFile(file, await bzImage(kernel, packing));
      const vmlinux = await nix.build(
        `import ${nixFile("vmlinux.nix")} { inherit pkgs; kernel = ${file}; }`,
      );
      assertEquals(await Deno.readFile(vmlinux), kernel);
    });
  }

  await t.step("a kernel that is not packed as it is", async () => {
    const file = `${nix.folder("kernels")}/Image`;
    await Deno.writeTextFile(
      file,
      "A kernel for another processor.".repeat(99),
    );
    const image = await nix.build(
      `import ${nixFile("vmlinux.nix")} { inherit pkgs; kernel = ${file}; }`,
    );
    assertEquals(await Deno.readFile(image), await Deno.readFile(file));
  });

  await t.step("no kernel where none comes out", async () => {
    const build = async (kernel: Uint8Array<ArrayBuffer>) => {
      const file = `${nix.folder("kernels")}/odd`;
      await Deno.writeFile(file, kernel);
      const { message } = await assertRejects(
        () =>
          nix.build(
            `import ${
              nixFile("vmlinux.nix")
            } { inherit pkgs; kernel = ${file}; }`,
          ),
        NixError,
      );
      return message;
    };
    const text = new TextEncoder().encode("no kernel");
    assertMatch(
      await build(await bzImage(text, "xz")),
      /the kernel \S+-odd holds no ELF image, which microVMs boot/,
    );
    const odd = await bzImage(text, "zstd");
    odd.set(
      [0],
      odd.findIndex((_, at) => odd[at] === 0x28 && odd[at + 1] === 0xb5),
    );
    assertMatch(
      await build(odd),
      /the kernel \S+-odd is packed in an unknown way, expected gzip, lz4, xz or zstd/,
    );
  });
});

/** A file of the project's, as Nix names it. */
function nixFile(name: string): string {
  return new URL(`../../nix/microvm/${name}`, import.meta.url).pathname;
}
