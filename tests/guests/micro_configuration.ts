import { guest } from "./guest.ts";
import { cloudKernel, kernel } from "./kernel.ts";
import { machineNumber } from "./start_script.ts";

/** The hypervisors of microVMs, as the names of configurations have them. */
export type MicroHypervisor = "firecracker" | "cloud-hypervisor";

/** How a microVM differs from the others. */
export interface MicroOptions {
  /** VLANs that it is on, a card each. */
  readonly vlans?: readonly number[];
  /** What its addresses end in, 1 to 254; made of the name by default. */
  readonly number?: number;
  /** Raw images of disks. */
  readonly disks?: readonly string[];
  /** Parameters for the kernel, after the guest's own. */
  readonly kernelParameters?: readonly string[];
  /** Whether it has a memory balloon. */
  readonly balloon?: boolean;
  /** MiB. */
  readonly memory?: number;
  /** Processors. */
  readonly processors?: number;
}

const kernelParameters = [
  ..."console=ttyS0 reboot=k panic=-1 norandmaps".split(" "),
  // Each of these is a large part of a boot under emulation.
  "mitigations=off",
  "cryptomgr.notests",
  "initcall_blacklist=load_system_certificate_list,init_kprobe_trace",
];

/**
 * Writes the configuration of a microVM of the guest `micro`, in its
 * hypervisor's own form.
 *
 * @param directory Where.
 * @returns The file's path, which ends in `run-<machine>-<hypervisor>.json`.
 */
export async function microConfiguration(
  hypervisor: MicroHypervisor,
  machine: string,
  directory: string,
  options: MicroOptions = {},
): Promise<string> {
  const { vlans = [], disks = [], memory = 256, processors = 1 } = options;
  const { directory: image } = await guest("micro");
  const { image: vmlinux } = await kernel(undefined, cloudKernel);
  const initramfs = `${image}/initramfs`;
  const number = options.number ?? machineNumber(machine);
  const hex = (value: number) => value.toString(16).padStart(2, "0");
  const mac = (vlan: number) => `52:54:00:12:${hex(vlan)}:${hex(number)}`;
  const parameters = [
    ...kernelParameters,
    `vmwright.name=${machine}`,
    ...options.kernelParameters ?? [],
  ].join(" ");
  const configuration = hypervisor === "firecracker"
    ? {
      "boot-source": {
        kernel_image_path: vmlinux,
        initrd_path: initramfs,
        boot_args: parameters,
      },
      "machine-config": { vcpu_count: processors, mem_size_mib: memory },
      "drives": disks.map((path, index) => ({
        drive_id: `disk${index}`,
        path_on_host: path,
        is_root_device: false,
      })),
      ...options.balloon
        ? {
          balloon: {
            amount_mib: 0,
            deflate_on_oom: false,
            stats_polling_interval_s: 1,
          },
        }
        : {},
      "network-interfaces": vlans.map((vlan, index) => ({
        iface_id: `eth${index}`,
        host_dev_name: `vlan${vlan}`,
        guest_mac: mac(vlan),
      })),
    }
    : {
      payload: { kernel: vmlinux, initramfs, cmdline: parameters },
      cpus: { boot_vcpus: processors, max_vcpus: processors },
      memory: { size: memory * 2 ** 20 },
      ...options.balloon ? { balloon: { size: 0 } } : {},
      disks: disks.map((path) => ({ path, image_type: "Raw" })),
      net: vlans.map((vlan) => ({ tap: `vlan${vlan}`, mac: mac(vlan) })),
    };
  const path = `${directory}/run-${machine}-${hypervisor}.json`;
  await Deno.writeTextFile(path, JSON.stringify(configuration, undefined, 2));
  return path;
}
