import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { requestsOf } from "../../src/backend/firecracker/configuration.ts";
import { MicroVmDisks } from "../../src/backend/microvm/disks.ts";
import {
  completed,
  type VmConfig,
} from "../../src/backend/cloud_hypervisor/vm_config.ts";
import { faultsOf } from "../backend/openapi.ts";
import { Nix, NixError, releases, root } from "./nix.ts";

// deno-lint-ignore no-explicit-any
type Any = any;

/** A value in which names stand for store paths. */
function withoutHashes<T>(value: T): T {
  return JSON.parse(
    JSON.stringify(value).replaceAll(/\/[^" =:]*\/[0-9a-z]{32}-/g, "store:"),
  );
}

for (const release of releases) {
  Deno.test(`by Nix ${release.version}, a microVM`, async (t) => {
    await using nix = new Nix({}, release);

    /** What an expression about a test with further arguments yields. */
    const ask = async (what: string, settings: string): Promise<Any> =>
      withoutHashes(
        await nix.evaluate(`
      let
        test = vmwright.mkTest {
          ${/\bpkgs =/.test(settings) ? "" : "inherit pkgs;"}
          testScript = "await startAll();";
          ${settings}
        };
        inherit (test) nodes;
        descriptionOf = node: builtins.fromJSON
          (builtins.unsafeDiscardStringContext node.system.build.vm.description.text);
      in ${what}`),
      );
    const description = (
      node: string,
      backend = "firecracker",
    ): Promise<Any> =>
      ask(
        "descriptionOf nodes.server",
        `backend = "${backend}"; nodes.server = { ${node} };`,
      );

    await t.step(
      "is described as Firecracker takes it, with the network of a node",
      async () => {
        const found = await ask(
          `{
            server = descriptionOf nodes.server;
            inherit (nodes.server.networking) interfaces extraHosts useDHCP;
            wanted = nodes.server.systemd.targets.network.wantedBy;
            rules = nodes.server.boot.initrd.services.udev.rules;
          }`,
          `backend = "firecracker";
           nodes.client = { };
           nodes.server.virtualisation = {
             memorySize = 512;
             cores = 2;
             vlans = [ 1 17 ];
           };`,
        );
        const { rules, ...rest } = found;
        assertEquals(rest, {
          server: {
            "boot-source": {
              kernel_image_path: "store:vmlinux",
              initrd_path: "store:initrd-linux/initrd",
              boot_args: "panic=1 console=ttyS0 reboot=k panic=-1 " +
                "init=store:nixos-system-server/init " +
                "regInfo=store:closure-info/registration",
            },
            "machine-config": { vcpu_count: 2, mem_size_mib: 512 },
            drives: [
              {
                drive_id: "disk1",
                path_on_host: "store:microvm-root-1024.ext4",
                is_root_device: false,
                is_read_only: false,
              },
              {
                drive_id: "disk2",
                path_on_host: "store:microvm-store.erofs",
                is_root_device: false,
                is_read_only: true,
              },
            ],
            "network-interfaces": [
              {
                iface_id: "card2",
                host_dev_name: "vlan17",
                guest_mac: "52:54:00:12:11:02",
              },
              {
                iface_id: "card1",
                host_dev_name: "vlan1",
                guest_mac: "52:54:00:12:01:02",
              },
            ],
          },
          interfaces: {
            eth1: address("192.168.1.2", "2001:db8:1::2"),
            eth2: address("192.168.17.2", "2001:db8:17::2"),
          },
          extraHosts: `192.168.1.1 client
2001:db8:1::1 client
192.168.1.2 server
2001:db8:1::2 server
`,
          useDHCP: false,
          wanted: ["multi-user.target"],
        });
        assertMatch(rules, /52:54:00:12:01:02".*NAME="eth1"\n/);
        assertMatch(rules, /52:54:00:12:11:02".*NAME="eth2"\n/);
      },
    );

    await t.step("is described as Cloud Hypervisor takes it", async () => {
      assertEquals(await description("", "cloud-hypervisor"), {
        payload: {
          kernel: "store:vmlinux",
          initramfs: "store:initrd-linux/initrd",
          cmdline: "panic=1 console=ttyS0 reboot=k panic=-1 " +
            "init=store:nixos-system-server/init " +
            "regInfo=store:closure-info/registration",
        },
        cpus: { boot_vcpus: 1, max_vcpus: 1 },
        memory: { size: 1024 * 2 ** 20 },
        disks: [
          {
            path: "store:microvm-root-1024.ext4",
            readonly: false,
            image_type: "Raw",
          },
          {
            path: "store:microvm-store.erofs",
            readonly: true,
            image_type: "Raw",
          },
        ],
        net: [{ tap: "vlan1", mac: "52:54:00:12:01:01" }],
      });
    });

    await t.step(
      "has each card in the place where the kernel calls it as its node does",
      async () => {
        const names = async (node: string): Promise<string[]> => {
          const { found, rules } = await ask(
            `{
              found = descriptionOf nodes.server;
              rules = nodes.server.boot.initrd.services.udev.rules;
            }`,
            `backend = "firecracker";
             nodes.server.virtualisation = { ${node} };`,
          );
          return found["network-interfaces"].map((card: Any) =>
            new RegExp(`"${card.guest_mac}".*NAME="(.*)"`).exec(rules)![1]
          );
        };
        assertEquals(await names("vlans = [ ];"), []);
        assertEquals(await names("vlans = [ 9 ];"), ["eth1"]);
        assertEquals(
          await names("vlans = [ 3 2 1 ];"),
          ["eth3", "eth1", "eth2"],
        );
        assertEquals(
          await names(`
            vlans = [ 1 2 ];
            interfaces.eth0.vlan = 3;
            interfaces.uplink.vlan = 4;`),
          ["eth0", "eth1", "eth2", "uplink"],
        );
      },
    );

    await t.step(
      "is what the driver and the hypervisor understand",
      async () => {
        const node = `
        vmwright.hugePages = true;
        virtualisation = { diskImage = null; vlans = [ 1 2 ]; };`;
        const value = await description(`${node} vmwright.entropy = false;`);
        const puts = await requestsOf({ value, path: (path) => path }, {
          name: "server",
          disks: new MicroVmDisks("/nowhere"),
          vsock: "/nowhere/vsock",
          network: {
            wire: (tap, address) =>
              Promise.resolve({ tap: `tap-of-${tap}`, address }),
          },
        });
        assertEquals(puts.map(({ path }) => path), [
          "/machine-config",
          "/boot-source",
          "/drives/disk1",
          "/network-interfaces/card2",
          "/network-interfaces/card1",
          "/vsock",
        ]);
        assertEquals(
          await faultsOf(
            "firecracker.yaml",
            puts.map((put) => ({ method: "PUT", ...put })),
          ) ?? [],
          [],
        );

        const config = await completed(
          await description(node, "cloud-hypervisor") as VmConfig,
          {
            absolute: (path) => path,
            placeDisk: (path) => Promise.resolve(path),
            network: {
              wire: (tap, address) =>
                Promise.resolve({ tap: `tap-of-${tap}`, address }),
            },
            vsock: "/nowhere/vsock",
          },
        );
        assertEquals(config.net?.map(({ tap }) => tap), [
          "tap-of-vlan2",
          "tap-of-vlan1",
        ]);
        assertEquals(
          await faultsOf("cloud-hypervisor.yaml", [
            { method: "PUT", path: "/vm.create", body: config },
          ]) ?? [],
          [],
        );
      },
    );

    await t.step("has huge pages where they are asked for", async () => {
      const pages = "vmwright.hugePages = true;";
      assertEquals((await description(pages))["machine-config"], {
        vcpu_count: 1,
        mem_size_mib: 1024,
        huge_pages: "2M",
      });
      assertEquals((await description(pages, "cloud-hypervisor")).memory, {
        size: 1024 * 2 ** 20,
        hugepages: true,
        hugepage_size: 2 * 2 ** 20,
      });
    });

    await t.step(
      "has random numbers, unless that is switched off",
      async () => {
        assertEquals((await description("")).entropy, undefined);
        assertEquals(
          (await description("vmwright.entropy = false;")).entropy,
          null,
        );
      },
    );

    await t.step(
      "has the disks that a node asks for, and the store behind them",
      async () => {
        const disks = async (node: string) =>
          (await description(node)).drives.map((
            { path_on_host: path, is_read_only: isReadOnly }: Any,
          ) => [path, isReadOnly]);
        assertEquals(
          await disks(
            "virtualisation = { diskSize = 64; emptyDiskImages = [ 20 { size = 30; } ]; };",
          ),
          [
            ["store:microvm-root-64.ext4", false],
            ["store:microvm-disk-20", false],
            ["store:microvm-disk-30", false],
            ["store:microvm-store.erofs", true],
          ],
        );
        assertEquals(await disks("virtualisation.diskImage = null;"), [
          ["store:microvm-store.erofs", true],
        ]);
      },
    );

    await t.step(
      "mounts root and store by their labels, and nothing of the host",
      async () => {
        assertEquals(
          await ask(
            "{ inherit (nodes.server) fileSystems; inherit (nodes.server.virtualisation) writableStore; }",
            `nodes.server = {
              vmwright.backend = "firecracker";
              virtualisation.fileSystems."/data".fsType = "tmpfs";
            };`,
          ),
          {
            fileSystems: {
              "/": { device: "/dev/disk/by-label/nixos", fsType: "ext4" },
              "/data": { fsType: "tmpfs" },
              "/nix/.ro-store": {
                device: "/dev/disk/by-label/nix-store",
                fsType: "erofs",
              },
              "/nix/store": { overlay: { lowerdir: ["/nix/.ro-store"] } },
            },
            writableStore: true,
          },
        );
      },
    );

    await t.step(
      "has its shell on a virtual socket, and the drivers for its devices",
      async () => {
        const found = (backend: string, settings = "") =>
          ask(
            `{
              inherit (nodes.server.boot) kernelModules;
              inherit (nodes.server.boot.initrd) availableKernelModules;
              first = nodes.server.boot.initrd.kernelModules;
              inherit (nodes.server.systemd.services) backdoor;
            }`,
            `backend = "${backend}"; nodes.server = { ${settings} };`,
          );
        const { backdoor, ...modules } = await found("firecracker");
        assertMatch(
          backdoor.serviceConfig.ExecStart,
          /^store:bash\/bin\/bash store:vsock-shell$/,
        );
        assertEquals(backdoor.requires, undefined);
        assertEquals(modules, {
          kernelModules: ["vmw_vsock_virtio_transport"],
          availableKernelModules: ["virtio_blk", "virtio_net", "virtio_rng"],
          first: ["virtio_mmio"],
        });
        // Whatever the framework then has in its place stays.
        const off = await found("firecracker", "testing.backdoor = false;");
        assertEquals(off.backdoor.requires, ["dev-hvc0.device"]);
        assertEquals((await found("cloud-hypervisor")).first, ["virtio_pci"]);
        const { backdoor: usual, ...none } = await found("qemu");
        assertEquals(usual.requires, ["dev-hvc0.device"]);
        assertEquals(none, {
          kernelModules: [],
          availableKernelModules: [],
          first: [],
        });
      },
    );

    await t.step(
      "shares one image of the store with the others of its test",
      async () => {
        const found = await nix.evaluate(`
          let
            test = nodes: (vmwright.mkTest { inherit pkgs nodes; testScript = ""; }).nodes;
            descriptionOf = node: builtins.fromJSON
              (builtins.unsafeDiscardStringContext node.system.build.vm.description.text);
            imageOf = node:
              let found = descriptionOf node; in
              builtins.elemAt (found.disks or found.drives) 1;
            pathOf = node: (imageOf node).path or (imageOf node).path_on_host;
            one = { vmwright.backend = "firecracker"; };
            two = { vmwright.backend = "cloud-hypervisor"; };
            both = test { inherit one two; };
          in {
            shared = pathOf both.one == pathOf both.two;
            other = pathOf (test { inherit one; }).one == pathOf both.one;
          }`);
        assertEquals(found, { shared: true, other: false });
      },
    );

    await t.step(
      "boots without a test of its timer where QEMU may emulate it",
      async () => {
        const parameters = async (
          settings: string,
          system = "x86_64-linux",
        ): Promise<string[]> =>
          ((await ask(
            "nodes.server.boot.kernelParams",
            `${settings} pkgs = import ${root}/tests/nix/nixpkgs { system = "${system}"; };`,
          )) as string[]).filter((parameter) => parameter.includes("timer"));
        assertEquals(await parameters("nodes.server = { };"), [
          "no_timer_check",
        ]);
        assertEquals(
          await parameters("nodes.server = { };", "aarch64-linux"),
          [],
        );
        for (const backend of ["firecracker", "cloud-hypervisor"]) {
          assertEquals(
            await parameters(`backend = "${backend}"; nodes.server = { };`),
            [],
          );
        }
      },
    );

    await t.step("brings its hypervisor to the driver, and kvm", async () => {
      const found = async (settings: string) => {
        const { text, features } = await ask(
          "{ text = test.driver.buildCommand; features = test.requiredSystemFeatures; }",
          settings,
        );
        return {
          tools: [...text.matchAll(/store:([\w-]+)\/bin/g)]
            .map(([, name]) => name)
            .filter((name: string) => /firecracker|hyper|iproute/.test(name)),
          machines: [...text.matchAll(/^ *addStartScript vm (.*)$/mg)]
            .map(([, words]) => words),
          features,
        };
      };
      assertEquals(
        await found(
          `backend = "firecracker";
           nodes.a = { };
           nodes.b = { };
           nodes.c.vmwright.backend = "qemu";`,
        ),
        {
          tools: ["iproute2", "firecracker"],
          machines: [
            "a store:microvm-a",
            "b store:microvm-b",
            "c store:vm-c",
          ],
          features: ["nixos-test", "kvm"],
        },
      );
      assertEquals(
        (await found(`nodes.a = { };
          nodes.b.vmwright.backend = "cloud-hypervisor";`)).tools,
        ["iproute2", "cloud-hypervisor"],
      );
      assertEquals((await found("nodes.a = { };")).tools, []);
      assertEquals(
        (await found(`backend = "firecracker"; nodes.a = { };
          firecracker = pkgs.coreutils // { name = "firecracker-of-mine"; version = "1.18"; };`))
          .tools,
        ["iproute2"],
      );
    });

    for (const generation of ["environment", "containers", "configuration"]) {
      await t.step(
        `is a node of the framework that speaks in its ${generation}`,
        async () => {
          const framework = (what: string, settings: string): Promise<Any> =>
            nix.evaluate(`
              let inherit (standIn "${generation}" {
                imports = [ (vmwright.testModule { }) ];
                name = "sample";
                nodes.a = { };
                nodes.b.virtualisation.vlans = [ 1 3 ];
                testScript = "";
                ${settings}
              }) config options; in ${what}`).then(withoutHashes);
          const found = await framework(
            `{
              a = config.nodes.a.system.build.vm.name;
              b = builtins.fromJSON (builtins.unsafeDiscardStringContext
                config.nodes.b.system.build.vm.description.text);
              start = builtins.mapAttrs (_: vm: vm.start_script)
                config.driverConfiguration.vms or { };
              driver = config.driver.buildCommand;
            }`,
            `vmwright.backend = "firecracker"; nodes.a.vmwright.backend = "qemu";`,
          );
          assertEquals(found.a, "vm-a");
          assertEquals(
            found.b["network-interfaces"].map((card: Any) => card.guest_mac),
            ["52:54:00:12:03:02", "52:54:00:12:01:02"],
          );
          assertMatch(found.driver, /store:firecracker\/bin/);
          if (generation === "configuration") {
            assertEquals(found.start, {
              a: "store:vm-a/bin/run-a-vm",
              b: "store:microvm-b/bin/run-b-firecracker.json",
            });
          } else {
            assertMatch(
              found.driver,
              /^ *addStartScript vm b store:microvm-b$/m,
            );
          }
          // The framework's own driver runs all nodes on QEMU.
          assertEquals(
            await framework(
              "map (node: node.system.build.vm.name) (builtins.attrValues config.nodes)",
              `vmwright.enable = false;
               vmwright.backend = "firecracker";
               nodes.a.vmwright.backend = "cloud-hypervisor";`,
            ),
            ["vm-a", "vm-b"],
          );
        },
      );
    }

    await t.step(
      "is no container, which has none of it",
      async () => {
        assertEquals(
          await nix.evaluate(`
            let inherit (standIn "configuration" {
              imports = [ (vmwright.testModule { }) ];
              name = "sample";
              containers.jail = { };
              vmwright.backend = "firecracker";
              testScript = "";
            }) config; in {
              inherit (config.containers.jail.vmwright) backend;
              inherit (config.containers.jail) assertions;
            }`),
          { backend: null, assertions: [] },
        );
        assertEquals(
          await ask(
            "map (one: one.message) test.containers.jail.assertions",
            `containers.jail.vmwright.backend = "firecracker";`,
          ),
          [
            `the container jail has vmwright.backend = "firecracker", expected none: a node is a virtual machine, and no container`,
          ],
        );
      },
    );

    await t.step("is refused in one sentence", async (t) => {
      const onQemu = `expected vmwright.backend = "qemu"`;
      const cases: [node: string, sentence: string][] = [
        [
          "virtualisation.useBootLoader = true;",
          `virtualisation.useBootLoader and runs on Firecracker, which boots a kernel without one, ${onQemu}`,
        ],
        [
          "virtualisation.useEFIBoot = true;",
          `virtualisation.useEFIBoot and runs on Firecracker, which boots a kernel without it, ${onQemu}`,
        ],
        [
          "virtualisation.tpm.enable = true;",
          `virtualisation.tpm.enable and runs on Firecracker, which vmwright gives no TPM, ${onQemu}`,
        ],
        [
          "virtualisation.forwardPorts = [ { host.port = 1; guest.port = 1; } ];",
          `virtualisation.forwardPorts and runs on Firecracker, which has no such network, ${onQemu}`,
        ],
        [
          "testing.initrdBackdoor = true;",
          `testing.initrdBackdoor and runs on Firecracker, whose shell begins after the initial RAM disk, ${onQemu}`,
        ],
        [
          `virtualisation.sharedDirectories.data = { source = "/srv"; target = "/srv"; };`,
          `virtualisation.sharedDirectories.data and runs on Firecracker, which shares no directories of the host, ${onQemu}`,
        ],
        [
          "vmwright.hugePages = true; virtualisation.memorySize = 511;",
          "vmwright.hugePages and virtualisation.memorySize = 511, expected an even number of MiB, since such a page has two",
        ],
        [
          "virtualisation.cores = 33;",
          "virtualisation.cores = 33, expected at most 32 on Firecracker",
        ],
        [
          `vmwright.backend = "qemu"; vmwright.hugePages = true;`,
          `vmwright.hugePages and runs on QEMU, expected vmwright.backend = "firecracker" or "cloud-hypervisor"`,
        ],
        [
          `vmwright.backend = "cloud-hypervisor"; vmwright.entropy = false;`,
          `vmwright.entropy = false and runs on Cloud Hypervisor, expected vmwright.backend = "firecracker", which alone leaves that device out`,
        ],
      ];
      for (const [node, sentence] of cases) {
        await t.step(node, async () => {
          const settings =
            `backend = "firecracker"; nodes.server = { ${node} };`;
          assertEquals(
            await ask(
              "map (one: one.message) nodes.server.assertions",
              settings,
            ),
            [`the node server has ${sentence}`],
          );
          // NixOS tells it where the system is built.
          const error = await assertRejects(
            () => ask("nodes.server.system.build.toplevel.drvPath", settings),
            NixError,
          );
          assertMatch(error.message, /Failed assertions:\n *- the node server/);
        });
      }
    });
  });
}

function address(ipv4: string, ipv6: string) {
  return {
    ipv4: { addresses: [{ address: ipv4, prefixLength: 24 }] },
    ipv6: { addresses: [{ address: ipv6, prefixLength: 64 }] },
  };
}
