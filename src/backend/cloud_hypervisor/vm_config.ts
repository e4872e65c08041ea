import type { MicroVmNetwork } from "../microvm/network.ts";

/** A disk of a {@linkcode VmConfig}. */
export interface DiskConfig {
  path?: string;
  readonly?: boolean;
  image_type?: "FixedVhd" | "Qcow2" | "Raw" | "Vhdx" | "Unknown";
  [other: string]: unknown;
}

/** A network card of a {@linkcode VmConfig}. */
export interface NetConfig {
  tap?: string;
  mac?: string;
  [other: string]: unknown;
}

/** A console of a {@linkcode VmConfig}. */
export interface ConsoleConfig {
  mode: "Off" | "Pty" | "Tty" | "File" | "Socket" | "Null";
  [other: string]: unknown;
}

/**
 * A virtual machine as Cloud Hypervisor's `vm.create` takes it: the parts that
 * the driver reads or sets. All others are the author's.
 */
export interface VmConfig {
  payload: {
    kernel?: string;
    initramfs?: string;
    firmware?: string;
    cmdline?: string;
    [other: string]: unknown;
  };
  disks?: DiskConfig[];
  net?: NetConfig[];
  vsock?: { cid: number; socket: string; [other: string]: unknown };
  serial?: ConsoleConfig;
  console?: ConsoleConfig;
  pvpanic?: boolean;
  [other: string]: unknown;
}

/** How a machine is saved. */
export interface VmSnapshotConfig {
  destination_url?: string;
}

/** How a machine is restored. */
export interface RestoreConfig {
  source_url: string;
  prefault?: boolean;
  memory_restore_mode?: "Copy" | "OnDemand";
  resume?: boolean;
}

/** What the driver has made for a machine. */
export interface OwnParts {
  /** Makes a path of the author's absolute. */
  absolute(path: string): string;
  /** The file to use for a disk that the guest may write to, by its number. */
  placeDisk(
    path: string,
    number: number,
    type: DiskConfig["image_type"],
  ): Promise<string>;
  /** Wires its cards. */
  readonly network: Pick<MicroVmNetwork, "wire">;
  /** The path of the virtual socket. */
  readonly vsock: string;
}

/** The number of a guest's virtual socket, if the author gives none: it is its own. */
const CID = 3;
/** The first bytes of an image of QEMU's own format. */
const QCOW2 = "514649fb";

/**
 * Completes an author's configuration: the serial console is on stdio, the
 * virtual socket is the driver's, panics are reported, disks that the guest may
 * write to are not the author's own, and cards on `vlan<number>` are on the
 * test's networks.
 */
export async function completed(
  given: VmConfig,
  own: OwnParts,
): Promise<VmConfig> {
  const { payload } = given;
  const path = (name: "kernel" | "initramfs" | "firmware") =>
    payload[name] === undefined ? {} : { [name]: own.absolute(payload[name]) };
  const disks: DiskConfig[] = [];
  for (const [number, disk] of (given.disks ?? []).entries()) {
    if (disk.path === undefined) {
      disks.push(disk);
      continue;
    }
    const source = own.absolute(disk.path);
    const type = disk.image_type ?? await imageType(source);
    disks.push({
      ...disk,
      image_type: type,
      path: disk.readonly ? source : await own.placeDisk(source, number, type),
    });
  }
  const net: NetConfig[] = [];
  for (const card of given.net ?? []) {
    if (card.tap === undefined) {
      net.push(card);
      continue;
    }
    const { tap, address } = await own.network.wire(card.tap, card.mac);
    net.push({
      ...card,
      tap,
      ...address === undefined ? {} : { mac: address },
    });
  }
  // A terminal of the author's would be where the serial console is.
  const console = given.console?.mode ?? "Tty";
  return {
    pvpanic: true,
    ...given,
    payload: {
      ...payload,
      ...path("kernel"),
      ...path("initramfs"),
      ...path("firmware"),
    },
    ...given.disks === undefined ? {} : { disks },
    ...given.net === undefined ? {} : { net },
    vsock: { cid: CID, ...given.vsock, socket: own.vsock },
    serial: { mode: "Tty" },
    ...console === "Tty" ? { console: { mode: "Off" } } : {},
  };
}

/**
 * Puts a machine's own paths into the configuration of a saved machine.
 *
 * @param saved The configuration that Cloud Hypervisor has saved.
 * @param own The configuration by which the machine would boot.
 */
export function resumed(saved: VmConfig, own: VmConfig): VmConfig {
  const merged = { ...saved };
  if (saved.disks) {
    merged.disks = saved.disks.map((disk, index) => ({
      ...disk,
      path: own.disks?.[index]?.path ?? disk.path,
    }));
  }
  if (saved.net) {
    merged.net = saved.net.map((card, index) => ({
      ...card,
      tap: own.net?.[index]?.tap ?? card.tap,
    }));
  }
  if (saved.vsock) {
    merged.vsock = { ...saved.vsock, socket: own.vsock!.socket };
  }
  return merged;
}

async function imageType(path: string): Promise<"Qcow2" | "Raw"> {
  try {
    using file = await Deno.open(path);
    const magic = new Uint8Array(4);
    await file.read(magic);
    return magic.toHex() === QCOW2 ? "Qcow2" : "Raw";
  } catch {
    // The copy, or Cloud Hypervisor, reports why it can't be read.
    return "Raw";
  }
}
