import type { BackendName } from "../kinds.ts";
import type { JsonObject } from "./description.ts";

/** The default memory of a microVM, in MiB. */
const MEMORY = 256;
/** The default number of processors. */
const PROCESSORS = 1;
/** Bytes of a large page, in the hypervisors' two ways to say it. */
const HUGE_PAGES = "2M", HUGE_PAGE_SIZE = 2 * 2 ** 20;

/** What a file of `--machine-config` says of a microVM, in its own words. */
export interface MicroVmFields {
  /** The hypervisor's program. */
  readonly program?: string;
  /** The kernel. */
  readonly kernel_image_path: string;
  /** The disk with the root, which the guest may write to. */
  readonly rootfs_path: string;
  /** The initial RAM disk. */
  readonly initrd_path?: string;
  /** The kernel's command line. */
  readonly kernel_boot_args?: string;
  /** A disk that the guest only reads. */
  readonly store_image_path?: string;
  /** MiB. */
  readonly mem_size_mib?: number;
  /** Processors. */
  readonly vcpu_count?: number;
  /** Cards: what each is called, its device on the host, its hardware address. */
  readonly tap_interfaces?: readonly (readonly [string, string, string])[];
  /** The number of its virtual socket. */
  readonly vsock_cid?: number;
  /** Whether its memory is made of large pages. */
  readonly huge_pages?: boolean;
  /** Whether it has a source of random numbers. */
  readonly entropy?: boolean;
}

/**
 * Makes the description that a hypervisor's machine is started from out of the
 * fields of a file of `--machine-config`.
 *
 * @returns JSON, in place of a start command.
 */
export function descriptionOf(
  backend: BackendName,
  fields: MicroVmFields,
): string {
  const description = backend === "firecracker"
    ? firecrackerOf(fields)
    : cloudHypervisorOf(fields);
  const { program } = fields;
  return JSON.stringify({
    ...program === undefined ? {} : { program },
    ...description,
  });
}

function firecrackerOf(fields: MicroVmFields): JsonObject {
  const {
    kernel_boot_args,
    vcpu_count = PROCESSORS,
    mem_size_mib = MEMORY,
    vsock_cid,
  } = fields;
  return {
    "boot-source": {
      kernel_image_path: fields.kernel_image_path,
      initrd_path: fields.initrd_path,
      boot_args: kernel_boot_args,
    },
    "machine-config": {
      vcpu_count,
      mem_size_mib,
      ...fields.huge_pages ? { huge_pages: HUGE_PAGES } : {},
    },
    drives: [
      {
        drive_id: "rootfs",
        path_on_host: fields.rootfs_path,
        is_root_device: true,
        is_read_only: false,
      },
      ...fields.store_image_path === undefined ? [] : [{
        drive_id: "store",
        path_on_host: fields.store_image_path,
        is_root_device: false,
        is_read_only: true,
      }],
    ],
    "network-interfaces": fields.tap_interfaces?.map(([id, device, mac]) => ({
      iface_id: id,
      host_dev_name: device,
      guest_mac: mac,
    })),
    ...vsock_cid === undefined ? {} : { vsock: { guest_cid: vsock_cid } },
    ...fields.entropy === false ? { entropy: null } : {},
  };
}

function cloudHypervisorOf(fields: MicroVmFields): JsonObject {
  const {
    kernel_boot_args = "console=ttyS0 reboot=k panic=1",
    vcpu_count = PROCESSORS,
    mem_size_mib = MEMORY,
    vsock_cid,
  } = fields;
  return {
    payload: {
      kernel: fields.kernel_image_path,
      initramfs: fields.initrd_path,
      cmdline: kernel_boot_args,
    },
    cpus: { boot_vcpus: vcpu_count, max_vcpus: vcpu_count },
    memory: {
      size: mem_size_mib * 2 ** 20,
      ...fields.huge_pages
        ? { hugepages: true, hugepage_size: HUGE_PAGE_SIZE }
        : {},
    },
    disks: [
      { path: fields.rootfs_path, readonly: false },
      ...fields.store_image_path === undefined
        ? []
        : [{ path: fields.store_image_path, readonly: true }],
    ],
    net: fields.tap_interfaces?.map(([, device, mac]) => ({
      tap: device,
      mac,
    })),
    ...vsock_cid === undefined ? {} : { vsock: { cid: vsock_cid } },
  };
}
