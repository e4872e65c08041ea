// A stand-in for Cloud Hypervisor, for the tests alone:
//
//   deno run -A cloud_hypervisor.ts --api-socket path=PATH [--event-monitor path=FILE]
//
// See README.md.

import { parseArgs } from "@std/cli/parse-args";
import { BadBody, readBody, type Shape } from "./body.ts";
import { EmulatedMachine } from "./emulated.ts";

const VERSION = "v53.0";
const MIB = 1 << 20;
/** The files of a saved machine. */
const CONFIG = "config.json", STATE = "state.json", MEMORY = "memory-ranges";
const NONE = "No such file or directory (os error 2)";

/** A configuration of a virtual machine, and its parts. */
const shapes = {
  config: { optional: {}, isOpen: true },
  payload: {
    optional: { kernel: "string", cmdline: "string", initramfs: "string" },
    isOpen: true,
  },
  cpus: { required: { boot_vcpus: "u32", max_vcpus: "u32" }, isOpen: true },
  memory: { required: { size: "usize" }, isOpen: true },
  disks: {
    optional: {
      path: "string",
      readonly: "boolean",
      image_type: ["FixedVhd", "Qcow2", "Raw", "Vhdx", "Unknown"],
    },
    isOpen: true,
  },
  net: { optional: { tap: "string", mac: "string" }, isOpen: true },
  vsock: { required: { cid: "u32", socket: "string" }, isOpen: true },
  serial: {
    required: { mode: ["Off", "Pty", "Tty", "File", "Socket", "Null"] },
    optional: { file: "string", socket: "string" },
    isOpen: true,
  },
  rng: { required: { src: "string" }, isOpen: true },
  snapshot: { required: { destination_url: "string" }, isOpen: true },
  restore: {
    required: { source_url: "string" },
    optional: {
      prefault: "boolean",
      memory_restore_mode: ["Copy", "OnDemand"],
      resume: "boolean",
    },
    isOpen: true,
  },
} satisfies Record<string, Shape>;

type Body = Record<string, unknown>;

/** What is refused: a status, and what led to it, in Cloud Hypervisor's words. */
class Refusal extends Error {
  constructor(readonly status: number, readonly chain: string[]) {
    super(chain.join(": "));
  }
}

const options = parseArgs(Deno.args, {
  string: ["api-socket", "event-monitor", "seccomp", "log-file"],
  boolean: ["version", "v"],
});
if (options.version) {
  console.log(`cloud-hypervisor ${VERSION}`);
  Deno.exit(0);
}

let config: Body | undefined;
let machine: EmulatedMachine | undefined;
let state: "Created" | "Running" | "Paused" = "Created";
let isInterrupted = false;
let isLeaving = false;
/** The ids of the disks, in their order. */
let removable: string[] = [];
const began = performance.now();
const monitor = options["event-monitor"] === undefined
  ? undefined
  // The real one makes no file either.
  : Deno.openSync(withoutKey(options["event-monitor"]), { write: true });

function withoutKey(value: string): string {
  return value.replace(/^path=/, "");
}

function tell(source: string, event: string): void {
  const ms = performance.now() - began;
  const timestamp = {
    secs: Math.floor(ms / 1000),
    nanos: Math.floor(ms % 1000 * 1e6),
  };
  const text = JSON.stringify(
    { timestamp, source, event, properties: null },
    undefined,
    2,
  );
  monitor?.writeSync(new TextEncoder().encode(`${text}\n\n`));
}

tell("vmm", "starting");
const socket = withoutKey(options["api-socket"] ?? "");
Deno.serve({ transport: "unix", path: socket, onListen: () => {} }, serve);
Deno.addSignalListener("SIGTERM", () => leave(0));

async function serve(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const text = await request.text();
  try {
    const name = /^\/api\/v1\/(vmm?\.[a-z-]+)$/.exec(pathname)?.[1];
    const answer = await handle(
      request.method,
      name ?? "",
      text === "" ? undefined : text,
    );
    if (answer === undefined) return new Response(null, { status: 204 });
    return answer === null ? new Response() : Response.json(answer);
  } catch (error) {
    if (error instanceof BadBody) {
      return Response.json(["Failed to deserialize JSON", error.message], {
        status: 400,
      });
    }
    if (error instanceof Refusal) {
      const { chain, status } = error;
      if (chain.length === 0) return new Response(null, { status });
      return Response.json(chain, { status });
    }
    return Response.json([`the stand-in failed: ${error}`], { status: 500 });
  }
}

/** What an action that failed is called. */
const FAILED: Record<string, string> = {
  "vm.create": "The VM could not be created",
  "vm.boot": "The VM could not boot",
  "vm.delete": "The VM could not be deleted",
  "vm.info": "The VM info is not available",
  "vm.pause": "The VM could not be paused",
  "vm.resume": "The VM could not resume",
  "vm.shutdown": "The VM could not shutdown",
  "vm.reboot": "The VM could not reboot",
  "vm.snapshot": "The VM could not be snapshotted",
  "vm.restore": "The VM could not be restored",
  "vm.resize": "The VM could not be resized",
  "vm.remove-device": "The device could not be removed from the VM",
  "vm.power-button": "Error triggering power button",
  "vm.nmi": "Error triggering NMI",
};

async function handle(
  method: string,
  name: string,
  text: string | undefined,
): Promise<unknown> {
  const failed = (...why: string[]) =>
    new Refusal(500, ["Error from API", FAILED[name], ...why]);
  const missing = (why: string) =>
    new Refusal(404, ["Error from API", FAILED[name], why]);
  const bad = new Refusal(400, ["Bad Request"]);
  const isGet = name === "vmm.ping" || name === "vm.info";
  if (!(name in FAILED) && !["vmm.ping", "vmm.shutdown"].includes(name)) {
    throw new Refusal(404, ["Not Found"]);
  }
  if ((method === "GET") !== isGet) throw bad;
  const takesBody = [
    "vm.create",
    "vm.snapshot",
    "vm.restore",
    "vm.resize",
    "vm.remove-device",
  ].includes(name);
  if (name === "vm.create" && text === undefined) throw new Refusal(400, []);
  if (!isGet && takesBody !== (text !== undefined)) throw bad;

  const running = () => {
    if (machine === undefined) throw failed("VM is not running");
    return machine;
  };
  const turn = (to: "Running" | "Paused") => {
    if (state === to) {
      const verb = to === "Paused" ? "pause" : "resume";
      throw failed(
        `Cannot ${verb} VM`,
        `Failed to ${verb} migratable component`,
        `Invalid transition: InvalidStateTransition(${state}, ${to})`,
      );
    }
    state = to;
  };
  switch (name) {
    case "vmm.ping":
      return {
        build_version: VERSION,
        version: `${VERSION.slice(1)}.0`,
        pid: Deno.pid,
        features: ["io_uring", "kvm"],
      };
    case "vmm.shutdown":
      setTimeout(() => leave(0));
      // With a status of its own.
      return null;
    case "vm.info":
      if (config === undefined) throw missing("VM is not created");
      return await info(config);
    case "vm.create":
      readConfiguration(text!);
      if (config !== undefined) throw failed("VM is already created");
      config = JSON.parse(text!);
      return;
    case "vm.boot":
      if (machine !== undefined) throw failed("VM is already created");
      tell("vm", "booting");
      if (config === undefined) throw missing("VM config is missing");
      await boot();
      tell("vm", "booted");
      return;
    case "vm.pause":
      running();
      tell("vm", "pausing");
      turn("Paused");
      await running().pause();
      isInterrupted = false;
      tell("vm", "paused");
      return;
    case "vm.resume":
      running();
      tell("vm", "resuming");
      turn("Running");
      await running().resume();
      tell("vm", "resumed");
      return;
    case "vm.resize": {
      const { desired_balloon: held } = readBody(text!, {
        optional: {
          desired_balloon: "usize",
          desired_ram: "usize",
          desired_vcpus: "u32",
        },
      });
      await running().leaveMemory(memoryOf(config!) - Number(held ?? 0));
      return;
    }
    case "vm.remove-device": {
      const { id } = readBody(text!, { required: { id: "string" } });
      const at = removable.indexOf(id as string);
      if (at < 0) throw missing(`Unknown device id ${id}`);
      await running().unplugDisk(at);
      return;
    }
    case "vm.shutdown":
      running();
      return await shutDown();
    case "vm.reboot":
      if (machine === undefined) {
        tell("vm", "rebooting");
        throw missing("VM is not created");
      }
      return await reboot();
    case "vm.delete":
      if (config === undefined) return;
      if (machine !== undefined) await shutDown();
      config = undefined;
      tell("vm", "deleted");
      return;
    case "vm.power-button":
      return await running().powerButton();
    case "vm.nmi":
      // Only the first one reaches the guest, until a pause.
      if (!isInterrupted) await running().interrupt();
      isInterrupted = true;
      return;
    case "vm.snapshot": {
      const { destination_url } = readBody(text!, shapes.snapshot);
      running();
      if (state !== "Paused") {
        throw failed(
          "Cannot snapshot VM",
          "Failed to snapshot migratable component",
          "Trying to snapshot while VM is running",
        );
      }
      tell("vm", "snapshotting");
      const place = directoryOf(
        destination_url as string,
        (...why) => failed("Cannot send VM snapshot", ...why),
      );
      const write = (name: string, value: unknown) =>
        Deno.writeTextFile(`${place}/${name}`, JSON.stringify(value));
      await write(CONFIG, config);
      await write(STATE, {});
      await running().save(`${place}/${MEMORY}`);
      tell("vm", "snapshotted");
      return;
    }
    case "vm.restore": {
      const { source_url, resume } = readBody(text!, shapes.restore);
      if (config !== undefined) throw failed("VM is already created");
      const refused = (...why: string[]) => failed("Cannot restore VM", ...why);
      const place = directoryOf(source_url as string, refused);
      for (const name of [CONFIG, STATE, MEMORY]) {
        if (canOpen(`${place}/${name}`)) continue;
        throw refused(
          "Failed to receive migratable component snapshot",
          `Error opening VM ${name} snapshot file "${place}/${name}"`,
          NONE,
        );
      }
      tell("vm", "restoring");
      config = JSON.parse(await Deno.readTextFile(`${place}/${CONFIG}`));
      try {
        await boot(`${place}/${MEMORY}`);
      } catch (error) {
        config = undefined;
        throw error;
      }
      tell("vm", "restored");
      if (resume) await handle("PUT", "vm.resume", undefined);
      return;
    }
  }
}

/** The directory that a URL names. */
function directoryOf(
  url: string,
  refused: (...why: string[]) => Refusal,
): string {
  const path = url.replace(/^file:\/\//, "");
  if (path === url) {
    throw refused(
      "Failed to send migratable component snapshot",
      `Could not extract path from URL: ${url}`,
    );
  }
  if (canOpen(path)) return path;
  throw refused(
    "Failed to send migratable component snapshot",
    `Destination is not a directory: ${JSON.stringify(path)}`,
  );
}

function readConfiguration(text: string): void {
  const body = readBody(text, shapes.config);
  for (const part of ["payload", "cpus", "memory", "vsock", "serial", "rng"]) {
    const value = body[part];
    if (value === undefined || value === null) continue;
    readBody(JSON.stringify(value), shapes[part as keyof typeof shapes]);
  }
  for (const part of ["disks", "net"] as const) {
    for (const value of body[part] as Body[] ?? []) {
      readBody(JSON.stringify(value), shapes[part]);
    }
  }
}

function memoryOf(config: Body): number {
  return (config.memory as { size: number } | undefined)?.size ?? 512 * MIB;
}

async function info(config: Body): Promise<unknown> {
  const disks = (config.disks as Body[] | undefined ?? [])
    .map((disk, at) => ({ ...disk, id: removable[at] }));
  const there = await machine?.disks() ?? [];
  return {
    config: { ...config, disks, memory: { size: memoryOf(config) } },
    state,
    memory_actual_size: config.balloon && machine
      ? await machine.memoryLeft()
      : memoryOf(config),
    device_tree: Object.fromEntries(
      there.map((at) => [removable[at], { id: removable[at] }]),
    ),
  };
}

function canOpen(path: unknown): boolean {
  try {
    Deno.openSync(path as string).close();
    return true;
  } catch {
    return false;
  }
}

/**
 * Has the machine boot that was configured.
 *
 * @param saved What it goes on from instead, if it does; then it stands still.
 */
async function boot(saved?: string): Promise<void> {
  const {
    payload = {},
    memory = { size: 512 * MIB },
    cpus = { boot_vcpus: 1 },
    disks,
    net,
    vsock,
    serial = { mode: "Null" },
  } = config as Record<string, Body>;
  const refused = (...chain: string[]) =>
    new Refusal(500, ["Error from API", FAILED["vm.boot"], ...chain]);
  if (payload.kernel === undefined) {
    throw refused(
      "Failed to validate config",
      "Payload configuration is not bootable",
      "No bootitem provided: neither firmware nor kernel",
    );
  }
  if (!canOpen(payload.kernel)) throw refused("Cannot open kernel file", NONE);
  const drives = disks as unknown as Body[] ?? [];
  for (const { path } of drives) {
    if (canOpen(path)) continue;
    throw refused(
      "Error from device manager",
      "Cannot open disk path",
      `I/O error (path=${path} op=open)`,
      NONE,
    );
  }
  const lines: Record<string, string> = {
    Tty: "stdio",
    File: `file:${serial.file}`,
    Socket: `unix:${serial.socket},server=on,wait=off`,
  };
  removable = drives.map(({ id }, at) => id as string ?? `_disk${at}`);
  const made = await EmulatedMachine.start(socket, {
    hasBalloon: (config as Body).balloon !== undefined,
    kernel: payload.kernel as string,
    initrd: payload.initramfs as string,
    parameters: payload.cmdline as string ?? "",
    memory: Math.ceil(memory.size as number / MIB),
    processors: cpus.boot_vcpus as number,
    disks: drives.map((disk) => ({
      path: disk.path as string,
      isReadOnly: disk.readonly === true,
      format: disk.image_type === "Qcow2" ? "qcow2" : "raw",
    })),
    cards: (net as unknown as Body[] ?? []).map(({ tap, mac }) => ({
      tap: tap as string,
      mac: mac as string,
    })),
    vsock: vsock &&
      { cid: vsock.cid as number, socket: vsock.socket as string },
    serial: lines[serial.mode as string] ?? "null",
  }, (end) => {
    // It boots again by itself, and ends with a guest that powers off.
    if (end === "reset") reboot();
    else leave(0);
  }, saved);
  machine = made;
  made.ended.then(() => {
    if (machine === made) leave(1);
  });
  state = "Paused";
  if (saved !== undefined) return;
  await made.resume();
  state = "Running";
}

async function stopMachine(): Promise<void> {
  const last = machine;
  machine = undefined;
  state = "Created";
  await last?.stop();
}

async function shutDown(): Promise<void> {
  await stopMachine();
  tell("vm", "shutdown");
}

async function reboot(): Promise<void> {
  tell("vm", "rebooting");
  await stopMachine();
  await boot();
  tell("vm", "rebooted");
}

async function leave(code: number): Promise<void> {
  if (isLeaving) return;
  isLeaving = true;
  if (machine !== undefined) await shutDown();
  if (config !== undefined) tell("vm", "deleted");
  tell("vmm", "shutdown");
  await Deno.remove(socket).catch(() => {});
  Deno.exit(code);
}
