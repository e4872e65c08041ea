import { assertEquals } from "@std/assert";
import { guest } from "../guests/mod.ts";
import { cloudKernel, kernel } from "../guests/kernel.ts";
import { standIn } from "../stand_in/programs.ts";
import { temporaryDirectory, vmwright } from "./vmwright.ts";

Deno.test("machines of a file that describes them key by key boot, and are on their VLANs", async () => {
  using directory = temporaryDirectory({
    "root.ext4": "\0".repeat(2 ** 20),
    "test.ts": `
      await startAll();
      // A network may lose a frame.
      await db.connect();
      await web.waitUntilSucceeds("ping -c 1 -W 5 192.168.1.2");
      await db.waitUntilSucceeds("ping -c 1 -W 5 192.168.1.1");
      await web.succeed("echo written >/dev/vda");
    `,
    "state/x": "",
  });
  const { path } = directory;
  const { directory: image } = await guest("micro");
  const { image: vmlinux } = await kernel(undefined, cloudKernel);
  const machine = (name: string, number: number) => ({
    name,
    kernel_image_path: vmlinux,
    initrd_path: `${image}/initramfs`,
    rootfs_path: "root.ext4",
    kernel_boot_args:
      `console=ttyS0 reboot=k panic=-1 norandmaps vmwright.name=${name}`,
    mem_size_mib: 256,
    vcpu_count: 1,
    tap_interfaces: [["eth0", `t${number}v1`, `52:54:00:12:01:0${number}`]],
  });
  await Deno.writeTextFile(
    `${path}/machines.json`,
    JSON.stringify({
      vlans: [],
      global_timeout: 600,
      machines: [
        {
          backend: "firecracker",
          firecracker_bin: await standIn("firecracker", path),
          ...machine("web", 1),
        },
        {
          backend: "cloud-hypervisor",
          cloud_hypervisor_bin: await standIn("cloud-hypervisor", path),
          ...machine("db", 2),
        },
      ],
    }),
  );
  const { code, stderr } = await vmwright(
    ["test.ts", "--machine-config", "machines.json", "--no-check"],
    {
      cwd: path,
      env: {
        XDG_RUNTIME_DIR: `${path}/state`,
        // Only the file names them.
        VMWRIGHT_FIRECRACKER: "",
        VMWRIGHT_CLOUD_HYPERVISOR: "",
        VMWRIGHT_FIRECRACKER_ARGS: "",
        VMWRIGHT_CLOUD_HYPERVISOR_ARGS: "",
      },
    },
  );
  assertEquals(code, 0, stderr);
});
