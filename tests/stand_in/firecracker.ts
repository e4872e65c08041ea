// A stand-in for Firecracker, for the tests alone:
//
//   deno run -A firecracker.ts --api-sock PATH [--id ID] [--no-seccomp]
//
// See README.md.

import { parseArgs } from "@std/cli/parse-args";
import { BadBody, readBody, type Shape } from "./body.ts";
import { EmulatedMachine } from "./emulated.ts";

const VERSION = "1.17.0-dev";
/** What Firecracker takes where a configuration says nothing. */
const DEFAULT_PARAMETERS =
  "reboot=k panic=1 nomodule 8250.nr_uarts=0 i8042.noaux i8042.nomux " +
  "i8042.dumbkbd swiotlb=noforce";

/** The bodies of what is put before the start, by the first part of the path. */
const shapes = {
  "boot-source": {
    required: { kernel_image_path: "string" },
    optional: { initrd_path: "string", boot_args: "string" },
  },
  "machine-config": {
    required: { vcpu_count: "u8", mem_size_mib: "usize" },
    optional: {
      smt: "boolean",
      cpu_template: "any",
      track_dirty_pages: "boolean",
      huge_pages: ["None", "2M"],
    },
  },
  "drives": {
    required: { drive_id: "string", is_root_device: "boolean" },
    optional: {
      partuuid: "string",
      cache_type: ["Unsafe", "Writeback"],
      is_read_only: "boolean",
      path_on_host: "string",
      rate_limiter: "any",
      io_engine: ["Sync", "Async"],
      socket: "string",
    },
  },
  "network-interfaces": {
    required: { iface_id: "string", host_dev_name: "string" },
    optional: {
      guest_mac: "string",
      mtu: "u16",
      rx_rate_limiter: "any",
      tx_rate_limiter: "any",
    },
  },
  "vsock": {
    required: { guest_cid: "u32", uds_path: "string" },
    optional: { vsock_id: "string" },
  },
  "entropy": { optional: { rate_limiter: "any" } },
  "serial": { optional: { serial_out_path: "string", rate_limiter: "any" } },
  "logger": {
    optional: {
      log_path: "string",
      level: "any",
      show_level: "boolean",
      show_log_origin: "boolean",
      module: "string",
    },
  },
  "metrics": {
    required: { metrics_path: "string" },
    optional: { emit_id: "boolean", properties: "any" },
  },
  "actions": {
    required: {
      action_type: ["FlushMetrics", "InstanceStart", "SendCtrlAltDel"],
    },
  },
  "vm": { required: { state: ["Paused", "Resumed"] } },
  "snapshot/create": {
    required: { snapshot_path: "string", mem_file_path: "string" },
    optional: { snapshot_type: ["Diff", "Full"] },
  },
  "snapshot/load": {
    required: { snapshot_path: "string" },
    optional: {
      mem_file_path: "string",
      mem_backend: "any",
      enable_diff_snapshots: "boolean",
      track_dirty_pages: "boolean",
      resume_vm: "boolean",
      network_overrides: "any",
      vsock_override: "any",
      clock_realtime: "boolean",
      huge_pages: "any",
    },
  },
  "balloon": {
    required: { amount_mib: "u32", deflate_on_oom: "boolean" },
    optional: { stats_polling_interval_s: "u16" },
  },
} satisfies Record<string, Shape>;

type Body = Record<string, unknown>;

/** What is refused, in Firecracker's words. */
class Fault extends Error {}

const MIB = 2 ** 20;
const NO_BALLOON = "Balloon error: No balloon device found.";
const PRE_BOOT =
  "The requested operation is not supported before starting the microVM.";
const POST_BOOT =
  "The requested operation is not supported after starting the microVM.";

const options = parseArgs(Deno.args, {
  string: ["api-sock", "id", "log-path", "level"],
  boolean: ["no-seccomp", "version", "enable-pci"],
  unknown: (argument) => {
    console.error(
      `Error: ParseArguments(UnexpectedArgument("${argument}"))`,
    );
    Deno.exit(153);
  },
});
if (options.version) {
  console.log(`Firecracker v${VERSION}`);
  Deno.exit(0);
}

const drives = new Map<string, Body>();
const cards = new Map<string, Body>();
const config: Record<string, Body> = {};
let machine: EmulatedMachine | undefined;
let isLeaving = false;
let state: "Not started" | "Running" | "Paused" = "Not started";

const socket = options["api-sock"] ?? "/run/firecracker.socket";
try {
  // A UNIX socket that is there already is somebody's.
  Deno.serve({ transport: "unix", path: socket, onListen: () => {} }, serve);
} catch {
  console.log(
    "RunWithApiError error: Failed to open the API socket at: " +
      `${socket}. Check that it is not already used.`,
  );
  Deno.exit(1);
}

async function serve(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const text = await request.text();
  try {
    const answer = await handle(
      request.method,
      pathname.split("/").filter((part) => part !== ""),
      text === "" ? undefined : text,
    );
    return answer === undefined
      ? new Response(null, { status: 204 })
      : Response.json(answer);
  } catch (error) {
    const message = error instanceof BadBody
      ? "An error occurred when deserializing the json body of a request: " +
        `${error.message}.`
      : error instanceof Fault
      ? error.message
      : `the stand-in failed: ${error}`;
    return Response.json({ fault_message: message }, { status: 400 });
  }
}

async function handle(
  method: string,
  [first = "", id, ...rest]: string[],
  text: string | undefined,
): Promise<unknown> {
  if (method === "GET") {
    if (first === "") {
      return {
        id: options.id ?? "anonymous-instance",
        state,
        vmm_version: VERSION,
        app_name: "Firecracker",
      };
    }
    if (first === "version") return { firecracker_version: VERSION };
    if (first === "balloon" && id === "statistics") return await balloon();
    throw new Fault(`Invalid request method and/or path: GET ${first}.`);
  }
  if (text === undefined) {
    throw new Fault(`Empty ${method} request.`);
  }
  if (first === "snapshot") return await snapshot(method, id, text);
  const isPatch = method === "PATCH";
  if (isPatch && (first === "drives" || first === "balloon")) {
    return await patch(first, id, text);
  }
  if (
    !(first in shapes) || rest.length > 0 || isPatch !== (first === "vm") ||
    !["PUT", "PATCH"].includes(method)
  ) {
    throw new Fault(`Invalid request method and/or path: ${method} ${first}.`);
  }
  const isNamed = first === "drives" || first === "network-interfaces";
  if (isNamed) {
    if (id === undefined) throw new Fault("The ID cannot be empty.");
    if (!/^\w+$/.test(id)) {
      throw new Fault(
        "API Resource IDs can only contain alphanumeric characters and " +
          "underscores.",
      );
    }
  }
  const body = readBody(text, shapes[first as keyof typeof shapes]);
  if (first === "drives" && body.drive_id !== id) {
    throw new Fault(
      "The id from the path does not match the id from the body!",
    );
  }
  if (first === "network-interfaces") {
    if (
      body.guest_mac !== undefined &&
      !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(`${body.guest_mac}`)
    ) throw new BadBody("The provided MAC address is invalid.");
    if (body.iface_id !== id) {
      throw new Fault(
        `The id from the path [${id}] does not match the id from the body ` +
          `[${body.iface_id}]!`,
      );
    }
  }
  if (first === "actions") return await act(body.action_type as string);
  if (first === "vm") return await change(body.state as string);
  if (machine !== undefined) throw new Fault(POST_BOOT);
  configure(first, body);
}

/** What a saved guest is, beside its memory. */
interface Saved {
  readonly config: Record<string, Body>;
  readonly drives: readonly Body[];
  readonly cards: readonly Body[];
}

async function snapshot(
  method: string,
  operation: string | undefined,
  text: string,
): Promise<void> {
  const wrong = (place: string) =>
    new Fault(`Invalid request method and/or path: ${method} ${place}.`);
  if (method !== "PUT") throw wrong("snapshot");
  if (operation === undefined) {
    throw new Fault("Missing snapshot operation type.");
  }
  if (!["create", "load"].includes(operation)) {
    throw wrong(`/snapshot/${operation}`);
  }
  const shape = shapes[`snapshot/${operation as "create" | "load"}`];
  const body = readBody(text, shape);
  if (operation === "create") return await save(body);
  if (machine !== undefined) throw new Fault(POST_BOOT);
  await load(body);
}

async function save(body: Body): Promise<void> {
  if (machine === undefined) throw new Fault(PRE_BOOT);
  const refused = (why: string) =>
    new Fault(`Create snapshot error: Cannot ${why}`);
  if (state !== "Paused") {
    throw refused(
      "save the microVM state: Operation not allowed: save/restore unavailable " +
        "while running",
    );
  }
  const saved: Saved = {
    config,
    drives: [...drives.values()],
    cards: [...cards.values()],
  };
  const write = async (path: unknown, bytes: string, what: string) => {
    try {
      await Deno.writeTextFile(path as string, bytes);
    } catch {
      throw refused(
        `perform open on the ${what} backing file: No such file or directory ` +
          "(os error 2)",
      );
    }
  };
  await write(body.snapshot_path, JSON.stringify(saved), "snapshot");
  await write(body.mem_file_path, "", "memory");
  await machine.save(body.mem_file_path as string);
}

async function load(body: Body): Promise<void> {
  const memory = body.mem_backend as Body | undefined;
  if (memory !== undefined && body.mem_file_path !== undefined) {
    throw new BadBody(
      "too many fields: either `mem_backend` or `mem_file_path` exclusively is " +
        "required",
    );
  }
  if (memory !== undefined) {
    readBody(JSON.stringify(memory), {
      required: { backend_path: "string", backend_type: ["File", "Uffd"] },
    });
  }
  const memoryPath = memory?.backend_path ?? body.mem_file_path;
  if (memoryPath === undefined) {
    throw new BadBody(
      "missing field: either `mem_backend` or `mem_file_path` is required",
    );
  }
  const isConfigured = drives.size > 0 || cards.size > 0 ||
    Object.keys(config).some((part) =>
      !["logger", "metrics", "serial"].includes(part)
    );
  if (isConfigured) {
    throw new Fault(
      "Load snapshot error: Loading a microVM snapshot not allowed after " +
        "configuring boot-specific resources.",
    );
  }
  const refused = (why: string) => {
    // The real one ends then, too.
    setTimeout(() => leave(1));
    return new Fault(
      `Load snapshot error: Failed to restore from snapshot: ${why}`,
    );
  };
  const gone = "No such file or directory (os error 2)";
  if (!isFile(body.snapshot_path)) {
    throw refused(
      "Failed to get snapshot state from file: Failed to open snapshot file: " +
        gone,
    );
  }
  const saved: Saved = JSON.parse(
    await Deno.readTextFile(body.snapshot_path as string),
  );
  for (
    const { iface_id, host_dev_name } of body.network_overrides as Body[] ?? []
  ) {
    const card = saved.cards.find((card) => card.iface_id === iface_id);
    if (card === undefined) {
      throw refused(
        "Failed to get snapshot state from file: Unknown Network Device.",
      );
    }
    card.host_dev_name = host_dev_name;
  }
  const vsock = body.vsock_override as Body | undefined;
  if (vsock !== undefined) saved.config.vsock.uds_path = vsock.uds_path;
  if (!isFile(memoryPath)) {
    throw refused(
      `Failed to load guest memory: Failed to load guest memory: ${gone}`,
    );
  }
  for (const { path_on_host: path } of saved.drives) {
    if (isFile(path)) continue;
    throw refused(
      "Failed to build microVM from snapshot: Failed to restore devices: " +
        "Error restoring MMIO devices: Block: Virtio backend error: Error " +
        `manipulating the backing file: ${gone} ${path}`,
    );
  }
  if (isFile(saved.config.vsock?.uds_path)) {
    throw refused("Address already in use (os error 98)");
  }
  const { serial } = config;
  Object.assign(config, saved.config);
  if (serial === undefined) delete config.serial;
  else config.serial = serial;
  for (const drive of saved.drives) drives.set(drive.drive_id as string, drive);
  for (const card of saved.cards) cards.set(card.iface_id as string, card);
  await begin(memoryPath as string);
  state = "Paused";
  if (body.resume_vm) await change("Resumed");
}

function configure(first: string, body: Body): void {
  const mustOpen = (path: unknown, words: string) => {
    try {
      Deno.openSync(path as string).close();
    } catch {
      throw new Fault(`${words}No such file or directory (os error 2)`);
    }
  };
  switch (first) {
    case "boot-source":
      mustOpen(
        body.kernel_image_path,
        "Boot source error: The kernel file cannot be opened: ",
      );
      if (body.initrd_path !== undefined) {
        mustOpen(
          body.initrd_path,
          "Boot source error: The initrd file cannot be opened due to invalid " +
            "path or invalid permissions. ",
        );
      }
      break;
    case "machine-config": {
      const processors = body.vcpu_count as number;
      if (processors === 0 || processors > 32) {
        throw new Fault(
          "Machine config error: The number of vCPUs must be greater than 0, " +
            "less than 32 and must be 1 or an even number if SMT is enabled.",
        );
      }
      if (body.mem_size_mib === 0) {
        throw new Fault(
          "Machine config error: The memory size (MiB) is either 0, or not a " +
            "multiple of the configured page size.",
        );
      }
      break;
    }
    case "drives": {
      const words =
        "Drive config error: Unable to create the virtio block device: ";
      if (body.path_on_host === undefined) {
        throw new Fault(`${words}Invalid block config.`);
      }
      try {
        Deno.openSync(body.path_on_host as string).close();
      } catch {
        throw new Fault(
          `${words}Virtio backend error: Error manipulating the backing file: ` +
            `No such file or directory (os error 2) ${body.path_on_host}`,
        );
      }
      const hasRoot = [...drives.values()].some((other) =>
        other.is_root_device && other.drive_id !== body.drive_id
      );
      if (body.is_root_device && hasRoot) {
        throw new Fault(
          "Drive config error: A root block device already exists!",
        );
      }
      drives.set(body.drive_id as string, body);
      return;
    }
    case "network-interfaces":
      if (`${body.host_dev_name}`.length > 15) {
        throw new Fault(
          "Network config error: Could not create the network device: Open tap " +
            "device failed: Invalid interface name",
        );
      }
      cards.set(body.iface_id as string, body);
      return;
    case "vsock":
      if (config.vsock?.uds_path !== body.uds_path && isFile(body.uds_path)) {
        throw new Fault(
          "Vsock config error: Cannot create backend for vsock device: Error " +
            "binding to the host-side Unix socket: Address already in use (os " +
            "error 98)",
        );
      }
      break;
    case "logger":
      if (body.log_path !== undefined) {
        mustOpen(body.log_path, "Logger error: Failed to open target file: ");
      }
      break;
    case "metrics":
      mustOpen(
        body.metrics_path,
        "Metrics error: Cannot initialize the metrics system due to bad user " +
          "input: ",
      );
  }
  config[first] = body;
}

function isFile(path: unknown): boolean {
  try {
    Deno.lstatSync(path as string);
    return true;
  } catch {
    return false;
  }
}

async function act(action: string): Promise<void> {
  if (action !== "InstanceStart") {
    if (machine === undefined) throw new Fault(PRE_BOOT);
    if (action === "SendCtrlAltDel") await machine.press();
    return;
  }
  if (machine !== undefined) throw new Fault(POST_BOOT);
  if (config["boot-source"] === undefined) {
    throw new Fault(
      "Start microvm error: Cannot start microvm without kernel configuration.",
    );
  }
  const started = await begin();
  await started.resume();
  state = "Running";
}

/**
 * Makes the machine that was configured. It stands still.
 *
 * @param saved What it goes on from, if it does.
 */
async function begin(saved?: string): Promise<EmulatedMachine> {
  const source = config["boot-source"];
  const all = inOrder();
  const [root] = all;
  const parameters = [
    source.boot_args as string ?? DEFAULT_PARAMETERS,
    ...root?.is_root_device
      ? [`root=/dev/vda ${root.is_read_only ? "ro" : "rw"}`]
      : [],
  ].join(" ");
  const { vsock } = config;
  const log = config.serial?.serial_out_path;
  const made = await EmulatedMachine.start(socket, {
    kernel: source.kernel_image_path as string,
    initrd: source.initrd_path as string,
    parameters,
    memory: memory(),
    hasBalloon: config.balloon !== undefined,
    processors: config["machine-config"]?.vcpu_count as number ?? 1,
    disks: all.map((drive) => ({
      path: drive.path_on_host as string,
      isReadOnly: drive.is_read_only === true,
      format: "raw",
    })),
    cards: [...cards.values()].map((card) => ({
      tap: card.host_dev_name as string,
      mac: card.guest_mac as string,
    })),
    vsock: vsock &&
      { cid: vsock.guest_cid as number, socket: vsock.uds_path as string },
    serial: log === undefined ? "stdio" : `file:${log}`,
  }, (end) => {
    // Firecracker outlives a guest that has powered off.
    if (end === "reset") leave(0);
  }, saved);
  made.ended.then(() => leave(1));
  return machine = made;
}

/** What is changed of a guest that runs. */
async function patch(
  first: "drives" | "balloon",
  id: string | undefined,
  text: string,
): Promise<void> {
  if (machine === undefined) throw new Fault(PRE_BOOT);
  if (first === "balloon") {
    const { amount_mib: amount } = readBody(text, {
      required: { amount_mib: "u32" },
    });
    if (config.balloon === undefined) throw new Fault(NO_BALLOON);
    await machine.leaveMemory((memory() - (amount as number)) * MIB);
    return;
  }
  const body = readBody(text, {
    required: { drive_id: "string" },
    optional: { path_on_host: "string", rate_limiter: "any" },
  });
  const at = inOrder().findIndex(({ drive_id }) => drive_id === id);
  if (at < 0) {
    throw new Fault(
      "Drive config error: Unable to patch the block device: Invalid device ID",
    );
  }
  const { bandwidth, ops } = (body.rate_limiter ?? {}) as Record<
    string,
    { size: number; refill_time: number } | undefined
  >;
  const each = (bucket?: { size: number; refill_time: number }) =>
    bucket === undefined || bucket.refill_time === 0
      ? 0
      : Math.ceil(bucket.size * 1000 / bucket.refill_time);
  await machine.throttle(at, each(bandwidth), each(ops));
}

async function balloon(): Promise<unknown> {
  const { stats_polling_interval_s: interval } = config.balloon ?? {};
  if (machine === undefined) throw new Fault(PRE_BOOT);
  if (!interval) throw new Fault(NO_BALLOON);
  const held = memory() - await machine.memoryLeft() / MIB;
  return { actual_mib: Math.floor(held) };
}

/** MiB. */
function memory(): number {
  return config["machine-config"]?.mem_size_mib as number ?? 128;
}

/** The disks as the guest sees them. */
function inOrder(): Body[] {
  return [...drives.values()].sort((a, b) =>
    Number(b.is_root_device) - Number(a.is_root_device)
  );
}

async function change(to: string): Promise<void> {
  if (machine === undefined) throw new Fault(PRE_BOOT);
  if (to === "Paused") await machine.pause();
  else await machine.resume();
  state = to === "Paused" ? "Paused" : "Running";
}

async function leave(code: number): Promise<void> {
  if (isLeaving) return;
  isLeaving = true;
  await machine?.stop();
  Deno.exit(code);
}
