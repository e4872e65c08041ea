import type { Exchange } from "./answers.ts";

const serde =
  "An error occurred when deserializing the json body of a request: ";
const preBoot =
  "The requested operation is not supported before starting the microVM.";

/**
 * What is asked before the start, one after the other, and what Firecracker 1.17
 * was seen to answer.
 *
 * @param place A directory with a file `disk`.
 */
export const beforeStart = (place: string): Exchange[] => {
  const disk = `${place}/disk`;
  const drive = { drive_id: "a", is_root_device: false, path_on_host: disk };
  const card = { iface_id: "e", host_dev_name: "t0" };
  const save = { snapshot_path: `${place}/s`, mem_file_path: `${place}/m` };
  const load = {
    snapshot_path: `${place}/none`,
    mem_backend: { backend_type: "File", backend_path: `${place}/none` },
  };
  const notAllowed: Exchange = [
    "PUT",
    "/snapshot/load",
    load,
    "Load snapshot error: Loading a microVM snapshot not allowed after " +
    "configuring boot-specific resources.",
  ];
  return [
    ["GET", "/version", undefined, 200],
    [
      "PUT",
      "/actions",
      { action_type: "InstanceStart" },
      "Start microvm error: Cannot start microvm without kernel configuration.",
    ],
    [
      "PUT",
      "/actions",
      { action_type: "Fly" },
      `${serde}unknown variant \`Fly\`, expected one of \`FlushMetrics\`, ` +
      "`InstanceStart`, `SendCtrlAltDel`.",
    ],
    ["PUT", "/actions", { action_type: "SendCtrlAltDel" }, preBoot],
    ["PATCH", "/vm", { state: "Paused" }, preBoot],
    ["PUT", "/snapshot/create", save, preBoot],
    [
      "PUT",
      "/snapshot/create",
      { snapshot_path: "s" },
      `${serde}missing field \`mem_file_path\`.`,
    ],
    [
      "PUT",
      "/snapshot/create",
      { ...save, snapshot_type: "Half" },
      `${serde}unknown variant \`Half\`, expected \`Diff\` or \`Full\`.`,
    ],
    ["PUT", "/snapshot", {}, "Missing snapshot operation type."],
    [
      "PUT",
      "/snapshot/fly",
      {},
      "Invalid request method and/or path: PUT /snapshot/fly.",
    ],
    [
      "PATCH",
      "/snapshot/load",
      {},
      "Invalid request method and/or path: PATCH snapshot.",
    ],
    [
      "PUT",
      "/snapshot/load",
      { snapshot_path: "s" },
      `${serde}missing field: either \`mem_backend\` or \`mem_file_path\` is ` +
      "required.",
    ],
    [
      "PUT",
      "/snapshot/load",
      { ...load, mem_file_path: "m" },
      `${serde}too many fields: either \`mem_backend\` or \`mem_file_path\` ` +
      "exclusively is required.",
    ],
    [
      "PUT",
      "/snapshot/load",
      { ...load, x: 1 },
      `${serde}unknown field \`x\`, expected one of \`snapshot_path\`, ` +
      "`mem_file_path`, `mem_backend`, `enable_diff_snapshots`, " +
      "`track_dirty_pages`, `resume_vm`, `network_overrides`, " +
      "`vsock_override`, `clock_realtime`, `huge_pages`.",
    ],
    [
      "PUT",
      "/snapshot/load",
      { ...load, mem_backend: {} },
      `${serde}missing field \`backend_path\`.`,
    ],
    [
      "PUT",
      "/boot-source",
      {},
      `${serde}missing field \`kernel_image_path\`.`,
    ],
    [
      "PUT",
      "/boot-source",
      { kernel_image_path: `${place}/none` },
      "Boot source error: The kernel file cannot be opened: No such file or " +
      "directory (os error 2)",
    ],
    [
      "PUT",
      "/boot-source",
      { kernel_image_path: disk, initrd_path: `${place}/none` },
      "Boot source error: The initrd file cannot be opened due to invalid path " +
      "or invalid permissions. No such file or directory (os error 2)",
    ],
    [
      "PUT",
      "/boot-source",
      { kernel_image_path: disk, x: 1 },
      `${serde}unknown field \`x\`, expected one of \`kernel_image_path\`, ` +
      "`initrd_path`, `boot_args`.",
    ],
    ["PUT", "/boot-source", undefined, "Empty PUT request."],
    [
      "GET",
      "/boot-source",
      undefined,
      "Invalid request method and/or path: GET boot-source.",
    ],
    ["PUT", "/nowhere", {}, "Invalid request method and/or path: PUT nowhere."],
    ["PUT", "/vsock", { guest_cid: 3 }, `${serde}missing field \`uds_path\`.`],
    [
      "PUT",
      "/vsock",
      { guest_cid: "3", uds_path: `${place}/v` },
      `${serde}invalid type: string "3", expected u32.`,
    ],
    [
      "PUT",
      "/vsock",
      { guest_cid: 3, uds_path: disk },
      "Vsock config error: Cannot create backend for vsock device: Error " +
      "binding to the host-side Unix socket: Address already in use (os error " +
      "98)",
    ],
    ["PUT", "/vsock", { guest_cid: 3, uds_path: `${place}/v` }, 204],
    [
      "PUT",
      "/machine-config",
      { vcpu_count: 1 },
      `${serde}missing field \`mem_size_mib\`.`,
    ],
    ...[0, 33].map((vcpu_count): Exchange => [
      "PUT",
      "/machine-config",
      { vcpu_count, mem_size_mib: 128 },
      "Machine config error: The number of vCPUs must be greater than 0, less " +
      "than 32 and must be 1 or an even number if SMT is enabled.",
    ]),
    [
      "PUT",
      "/machine-config",
      { vcpu_count: 1, mem_size_mib: 0 },
      "Machine config error: The memory size (MiB) is either 0, or not a " +
      "multiple of the configured page size.",
    ],
    ["PUT", "/machine-config", { vcpu_count: 1, mem_size_mib: 128 }, 204],
    notAllowed,
    [
      "PUT",
      "/drives/b",
      drive,
      "The id from the path does not match the id from the body!",
    ],
    [
      "PUT",
      "/drives/a",
      { drive_id: "a", path_on_host: disk },
      `${serde}missing field \`is_root_device\`.`,
    ],
    [
      "PUT",
      "/drives/a",
      { drive_id: "a", is_root_device: false },
      "Drive config error: Unable to create the virtio block device: Invalid " +
      "block config.",
    ],
    [
      "PUT",
      "/drives/a",
      { ...drive, path_on_host: `${place}/none` },
      "Drive config error: Unable to create the virtio block device: Virtio " +
      "backend error: Error manipulating the backing file: No such file or " +
      `directory (os error 2) ${place}/none`,
    ],
    ["PUT", "/drives/a", { ...drive, is_root_device: true }, 204],
    [
      "PUT",
      "/drives/b",
      { ...drive, drive_id: "b", is_root_device: true },
      "Drive config error: A root block device already exists!",
    ],
    [
      "PUT",
      "/drives/a-b",
      { ...drive, drive_id: "a-b" },
      "API Resource IDs can only contain alphanumeric characters and " +
      "underscores.",
    ],
    [
      "PUT",
      "/network-interfaces/e",
      { iface_id: "e" },
      `${serde}missing field \`host_dev_name\`.`,
    ],
    [
      "PUT",
      "/network-interfaces/e",
      { ...card, host_dev_name: "longer-than-a-tap" },
      "Network config error: Could not create the network device: Open tap " +
      "device failed: Invalid interface name",
    ],
    [
      "PUT",
      "/network-interfaces/e",
      { ...card, guest_mac: "x" },
      `${serde}The provided MAC address is invalid..`,
    ],
    [
      "PUT",
      "/network-interfaces/f",
      card,
      "The id from the path [f] does not match the id from the body [e]!",
    ],
    ["PUT", "/entropy", {}, 204],
    [
      "PUT",
      "/entropy",
      { x: 1 },
      `${serde}unknown field \`x\`, expected \`rate_limiter\`.`,
    ],
    [
      "PUT",
      "/serial",
      { x: 1 },
      `${serde}unknown field \`x\`, expected \`serial_out_path\` or ` +
      "`rate_limiter`.",
    ],
    [
      "PUT",
      "/logger",
      { log_path: `${place}/none/log` },
      "Logger error: Failed to open target file: No such file or directory (os " +
      "error 2)",
    ],
  ];
};

/**
 * What is asked of a Firecracker that is to go on from what is no snapshot, and what
 * Firecracker 1.17 was seen to answer. It ends then.
 *
 * @param place A directory.
 */
export const withoutSnapshot = (place: string): Exchange[] => [
  ["PUT", "/serial", {}, 204],
  [
    "PUT",
    "/snapshot/load",
    {
      snapshot_path: `${place}/none`,
      mem_backend: { backend_type: "File", backend_path: `${place}/none` },
    },
    "Load snapshot error: Failed to restore from snapshot: Failed to get " +
    "snapshot state from file: Failed to open snapshot file: No such file or " +
    "directory (os error 2)",
  ],
];
