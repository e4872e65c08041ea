import {
  type Description,
  isObject,
  type JsonObject,
} from "../microvm/description.ts";
import type { MicroVmDisks } from "../microvm/disks.ts";
import type { MicroVmNetwork } from "../microvm/network.ts";
import { StartFailure } from "../start_failure.ts";
import type {
  BootSource,
  Drive,
  Entropy,
  NetworkInterface,
  Put,
  SnapshotCreate,
  SnapshotLoad,
  Vsock,
} from "./requests.ts";

/** The number of a guest's virtual socket, which leads to a socket of its own. */
const CID = 3;
/**
 * The kernel's command line if the description has none. Firecracker's default
 * has no serial console.
 */
const BOOT_ARGS = "console=ttyS0 reboot=k panic=1";

/** The parts of a description that are put as they are, and where. */
const PLAIN: Record<string, string> = {
  logger: "/logger",
  metrics: "/metrics",
  serial: "/serial",
  "machine-config": "/machine-config",
  balloon: "/balloon",
  "memory-hotplug": "/hotplug/memory",
  "mmds-config": "/mmds/config",
};
/** All parts that a description may have. */
const PARTS = [
  ...Object.keys(PLAIN),
  "cpu-config",
  "boot-source",
  "drives",
  "network-interfaces",
  "pmem",
  "vsock",
  "entropy",
];

/** What the driver gives a guest. */
export interface Given {
  /** The machine's name. */
  readonly name: string;
  /** The disks that the guest can write to. */
  readonly disks: MicroVmDisks;
  /** The path of the virtual socket. */
  readonly vsock: string;
  /** Wires its cards. */
  readonly network: Pick<MicroVmNetwork, "wire">;
}

/**
 * Makes the requests by which Firecracker gets a guest's configuration, in the
 * form of its `--config-file`, with the driver's own parts. The paths of disks
 * that the guest can write to count from the machine's own directory, where
 * Firecracker runs: a saved guest names them so.
 *
 * @throws {MachineError} if Firecracker has no such part, or a part has not the
 * form that the driver expects.
 */
export async function requestsOf(
  { value, path }: Description,
  given: Given,
): Promise<Put[]> {
  const wrong = (what: string) =>
    new StartFailure(
      `${given.name} did not start: its description for Firecracker ${what}`,
    );
  for (const part of Object.keys(value)) {
    if (PARTS.includes(part)) continue;
    throw wrong(`has a part "${part}", which Firecracker does not know`);
  }
  const object = (part: string): JsonObject => {
    const found = value[part];
    if (isObject(found)) return found;
    throw wrong(`needs "${part}", an object; got ${JSON.stringify(found)}`);
  };
  const list = (part: string, id: string): JsonObject[] => {
    const found = value[part] ?? [];
    const isRight = Array.isArray(found) &&
      found.every((one) => isObject(one) && typeof one[id] === "string");
    if (isRight) return found;
    throw wrong(
      `needs objects with a "${id}" in the list "${part}"; got ` +
        JSON.stringify(found),
    );
  };
  const puts: Put[] = [];
  for (const [part, to] of Object.entries(PLAIN)) {
    if (value[part] === undefined) continue;
    // The console is the driver's.
    const { serial_out_path: _, ...body } = object(part);
    puts.push({ path: to, body });
  }
  const cpu = value["cpu-config"];
  if (typeof cpu === "string") {
    const body = JSON.parse(await Deno.readTextFile(path(cpu)));
    puts.push({ path: "/cpu-config", body });
  }
  const source = object("boot-source") as unknown as BootSource;
  puts.push({
    path: "/boot-source",
    body: {
      boot_args: BOOT_ARGS,
      ...withPaths(source, path, ["kernel_image_path", "initrd_path"]),
    } satisfies BootSource,
  });
  for (const one of list("drives", "drive_id")) {
    const drive = withPaths(one as unknown as Drive, path, [
      "path_on_host",
      "socket",
    ]);
    const { path_on_host: disk, is_read_only: isReadOnly } = drive;
    if (disk !== undefined && isReadOnly !== true) {
      drive.path_on_host = await given.disks.place(disk, drive.drive_id);
    }
    puts.push({ path: `/drives/${drive.drive_id}`, body: drive });
  }
  for (const one of list("pmem", "id")) {
    const pmem = withPaths(
      one as { id: string; path_on_host?: string; read_only?: boolean },
      path,
      ["path_on_host"],
    );
    if (pmem.path_on_host !== undefined && pmem.read_only !== true) {
      const { path_on_host: original, id } = pmem;
      pmem.path_on_host = await given.disks.place(original, id);
    }
    puts.push({ path: `/pmem/${pmem.id}`, body: pmem });
  }
  for (const one of list("network-interfaces", "iface_id")) {
    const card = one as unknown as NetworkInterface;
    const { tap, address } = await given.network.wire(
      card.host_dev_name,
      card.guest_mac,
    );
    const body: NetworkInterface = {
      ...card,
      host_dev_name: tap,
      ...address === undefined ? {} : { guest_mac: address },
    };
    puts.push({ path: `/network-interfaces/${card.iface_id}`, body });
  }
  const own = value.vsock === undefined ? {} : object("vsock");
  const vsock: Vsock = {
    guest_cid: typeof own.guest_cid === "number" ? own.guest_cid : CID,
    uds_path: given.vsock,
  };
  puts.push({ path: "/vsock", body: vsock });
  // As in Firecracker's own file, null is none.
  if (value.entropy !== null) {
    const entropy: Entropy = value.entropy === undefined
      ? {}
      : object("entropy");
    puts.push({ path: "/entropy", body: entropy });
  }
  return puts;
}

/** Makes paths in an object absolute. */
function withPaths<T extends object>(
  object: T,
  path: (path: string) => string,
  keys: readonly (keyof T)[],
): T {
  const all = { ...object };
  for (const key of keys) {
    const text = all[key];
    if (typeof text === "string") all[key] = path(text) as T[keyof T] & string;
  }
  return all;
}

/** The parts that Firecracker takes before a guest that goes on from a snapshot. */
const BESIDE_SNAPSHOT = ["/logger", "/metrics", "/serial"];

/**
 * Makes the requests by which a guest goes on from a snapshot, of those by which it
 * would boot.
 *
 * @param puts What {@linkcode requestsOf} has made.
 * @param state The directory of the saved state.
 */
export function loadRequests(puts: readonly Put[], state: string): Put[] {
  const bodies = (part: string) =>
    puts.filter(({ path }) => path.split("/")[1] === part)
      .map(({ body }) => body);
  const [vsock] = bodies("vsock") as Vsock[];
  const load: SnapshotLoad = {
    snapshot_path: `${state}/${STATE_FILE}`,
    mem_backend: {
      backend_type: "File",
      backend_path: `${state}/${MEMORY_FILE}`,
    },
    network_overrides: (bodies("network-interfaces") as NetworkInterface[])
      .map(({ iface_id, host_dev_name }) => ({ iface_id, host_dev_name })),
    vsock_override: { uds_path: vsock.uds_path },
    resume_vm: false,
  };
  return [
    ...puts.filter(({ path }) => BESIDE_SNAPSHOT.includes(path)),
    { path: "/snapshot/load", body: load },
  ];
}

/** The files of a saved guest: all but its memory, and its memory. */
const STATE_FILE = "vm", MEMORY_FILE = "memory";

/** Makes the request that saves a guest into a directory. */
export function saveRequest(state: string): Put {
  const body: SnapshotCreate = {
    snapshot_type: "Full",
    snapshot_path: `${state}/${STATE_FILE}`,
    mem_file_path: `${state}/${MEMORY_FILE}`,
  };
  return { path: "/snapshot/create", body };
}
