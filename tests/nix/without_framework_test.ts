import { assertEquals, assertMatch } from "@std/assert";
import { Nix, releases, root } from "./nix.ts";

for (const release of releases) {
  Deno.test(`by Nix ${release.version}, a test without the framework`, async (t) => {
    await using nix = new Nix({}, release);

    /** What an expression about the test's node `server` yields, for a `mkTest` with further arguments. */
    const ask = (what: string, settings = "") =>
      nix.evaluate(`
      let
        test = vmwright.mkTest {
          ${/\bpkgs =/.test(settings) ? "" : "inherit pkgs;"}
          testScript = "await startAll();";
          nodes.server = { };
          ${settings}
        };
        inherit (test.nodes) server;
      in ${what}`);

    await t.step(
      "runs its nodes in the QEMU that it is given, whatever the test instrumentation prefers",
      async () => {
        const qemu = "server.virtualisation.qemu.package.name";
        assertEquals(await ask(qemu), "qemu");
        assertEquals(await ask(qemu, "qemu = pkgs.coreutils;"), "coreutils");
      },
    );

    await t.step("gives its nodes the functions of its packages", async () => {
      assertEquals(
        await ask(
          "server.networking.domain",
          `pkgs = pkgs // { lib = pkgs.lib // { place = "of mine"; }; };
           defaults = { lib, ... }: { networking.domain = lib.place; };`,
        ),
        "of mine",
      );
    });

    await t.step(
      "gives a node a card for each of its interfaces, and an address where it is to have one",
      async () => {
        const found = await ask(
          `{
          inherit (server.networking)
            interfaces primaryIPAddress primaryIPv6Address extraHosts;
          cards = server.virtualisation.qemu.options;
          rules = server.boot.initrd.services.udev.rules;
          driver = test.driver.buildCommand;
        }`,
          `nodes.server.virtualisation.interfaces = {
          lan = { vlan = 3; assignIP = true; };
          bare.vlan = 4;
        };
        nodes.client = {
          networking.domain = "example";
          virtualisation = { vlans = [ 1 ]; interfaces.lan.vlan = 3; };
        };`,
        ) as Record<string, string> & { cards: string[] };
        assertEquals(found.interfaces as unknown, {
          lan: {
            ipv4: { addresses: [{ address: "192.168.3.2", prefixLength: 24 }] },
            ipv6: {
              addresses: [{ address: "2001:db8:3::2", prefixLength: 64 }],
            },
          },
        });
        assertEquals(found.primaryIPAddress, "192.168.3.2");
        assertEquals(found.primaryIPv6Address, "2001:db8:3::2");
        assertEquals(
          found.extraHosts,
          `192.168.1.1 client.example client
2001:db8:1::1 client.example client
192.168.3.2 server
2001:db8:3::2 server
`,
        );
        assertEquals(found.cards, [
          "-device virtio-net-pci,netdev=vlan1,mac=52:54:00:12:04:02",
          '-netdev vde,id=vlan1,sock="$QEMU_VDE_SOCKET_4"',
          "-device virtio-net-pci,netdev=vlan2,mac=52:54:00:12:03:02",
          '-netdev vde,id=vlan2,sock="$QEMU_VDE_SOCKET_3"',
        ]);
        assertMatch(found.rules, /52:54:00:12:04:02".*NAME="bare"\n/);
        assertMatch(found.rules, /52:54:00:12:03:02".*NAME="lan"\n/);
        assertMatch(found.driver, /^ *export vlans='1 3 4'$/m);
      },
    );

    await t.step(
      "names the author's file and line where a node's options are at fault",
      async () => {
        Deno.writeTextFileSync(
          `${nix.folder("files")}/nodes.nix`,
          `{
  server.networking.hostName = "web";
  db = {
    networking.hostName = "db";
  };
}
`,
        );
        const file = `${nix.folder("files")}/nodes.nix`;
        assertEquals(
          await nix.evaluate(`
            let
              inherit (vmwright.mkTest {
                inherit pkgs;
                testScript = "";
                nodes = import ${file};
              }) nodes;
            in [ nodes.server.testing.hostNameFiles nodes.db.testing.hostNameFiles ]`),
          [[`${file}:2`], [`${file}:3`]],
        );
      },
    );

    await t.step(
      "has what interactive says in its interactive driver alone",
      async () => {
        const settings = `
        globalTimeout = 60;
        extraDriverArgs = [ "--log-level" "debug" ];
        defaults.networking.domain = "example";
        interactive = {
          globalTimeout = 7200;
          nodes.server.services.probe.enable = true;
          nodes.extra = { };
          defaults.services.console.enable = true;
        };`;
        const { buildCommand, ...plain } = await ask(
          `{
            inherit (test.driverInteractive) buildCommand;
            nodes = builtins.attrNames test.nodes;
            isTouched = server ? services;
          }`,
          settings,
        ) as Record<string, string>;
        assertEquals(plain as unknown, { nodes: ["server"], isTouched: false });
        assertMatch(buildCommand, /--set globalTimeout 7200/);
        assertMatch(buildCommand, /--interactive.*--log-level/);
        assertMatch(buildCommand, /^ *addStartScript vm extra /m);
        assertMatch(buildCommand, /^ *addStartScript vm server /m);
      },
    );

    await t.step("has containers on the same networks", async () => {
      const found = await ask(
        `{
        driver = test.driver.buildCommand;
        features = test.requiredSystemFeatures;
        inherit (test.containers.jail.networking) primaryIPAddress extraHosts;
        isContainer = test.containers.jail.virtualisation.nspawnModule;
        cards = test.containers.jail.virtualisation ? qemu.options;
        alone = (vmwright.mkTest {
          inherit pkgs;
          testScript = { containers, ... }: containers.jail.networking.hostName;
          containers.jail = { };
        }).requiredSystemFeatures;
      }`,
        "containers.jail.virtualisation.vlans = [ 1 6 ];",
      ) as Record<string, unknown>;
      const { driver, ...rest } = found;
      assertEquals(rest, {
        features: "nixos-test kvm uid-range".split(" "),
        primaryIPAddress: "192.168.1.1",
        extraHosts: `192.168.1.1 jail
2001:db8:1::1 jail
192.168.1.2 server
2001:db8:1::2 server
`,
        isContainer: true,
        cards: false,
        alone: ["nixos-test", "uid-range"],
      });
      assertMatch(
        driver as string,
        /^ *addStartScript nspawn jail \S+-run-jail-nspawn$/m,
      );
      assertMatch(driver as string, /^ *export vlans='1 6'$/m);
      assertMatch(driver as string, /-systemd\/bin/);
    });

    await t.step(
      "puts a driver's VLANs there that its nodes are in",
      async () => {
        const vlans = (settings: string) =>
          nix.evaluate(`
        (vmwright.mkDriver {
          inherit pkgs;
          testScript = "await startAll();";
          nodes.server = {
            system.build.vm = "/server";
            virtualisation = { vlans = [ 1 2 ]; interfaces.lan.vlan = 3; };
          };
          nodes.client.config = {
            system.build.vm = "/client";
            virtualisation.vlans = [ 2 4 ];
          };
          nodes.guest.system.build.vm = "/guest";
          ${settings}
        }).buildCommand`).then((text) =>
            /^ *export vlans=(.*)$/m.exec(text as string)?.[1]
          );
        assertEquals(await vlans(""), "'2 4 1 3'");
        assertEquals(await vlans("vlans = [ 7 ];"), "7");
      },
    );

    await t.step(
      "takes a script that is a derivation for its file",
      async () => {
        const driver = (name: string) =>
          nix.evaluate(`
        (vmwright.mkDriver {
          inherit pkgs;
          machines.web = "/web";
          testScript = pkgs.writeText "${name}" "";
        }).buildCommand`) as Promise<string>;
        const typescript = await driver("web.ts");
        assertMatch(typescript, /^ln -s \S+-web\.ts \$out\/test-script$/m);
        assertMatch(typescript, /--language typescript/);
        const python = await driver("web.py");
        assertMatch(python, /^ln -s \S+-web\.py \$out\/test-script$/m);
        assertMatch(python, /--language python/);
      },
    );

    await t.step(
      "checks types by the Deno that vmwright is built with",
      async () => {
        const names = await nix.evaluate(`
        let
          deno = pkgs.deno // { name = "deno-of-another-nixpkgs"; };
          driver = vmwright.mkDriver {
            inherit pkgs;
            package = pkgs.callPackage ${root}/nix/package.nix { inherit deno; };
            machines.web = "/web";
            testScript = "";
          };
        in map (input: input.name) driver.nativeBuildInputs`);
        assertEquals(names, ["make-wrapper", "deno-of-another-nixpkgs"]);
      },
    );
  });
}
