import { dirname, resolve } from "node:path";
import { connectQmp, type QmpClient } from "../../src/qmp/mod.ts";
import { delay } from "../../src/time/mod.ts";
import { quoted } from "../guests/start_script.ts";

/** The hardware of a machine, as both hypervisors' configurations describe it. */
export interface Hardware {
  readonly kernel: string;
  readonly initrd?: string;
  readonly parameters: string;
  /** MiB. */
  readonly memory: number;
  readonly processors: number;
  readonly disks: readonly {
    readonly path: string;
    readonly isReadOnly: boolean;
    readonly format: "raw" | "qcow2";
  }[];
  readonly cards: readonly { readonly tap: string; readonly mac?: string }[];
  /** Whether it has a memory balloon. */
  readonly hasBalloon?: boolean;
  readonly vsock?: { readonly cid: number; readonly socket: string };
  /** QEMU's `-serial`. */
  readonly serial: string;
}

/** Why a machine has ended. */
export type MachineEnd = "reset" | "power off" | "failed";

/** Seconds between two looks for a socket, and how long this looks. */
const PAUSE = 0.01, PATIENCE = 300;
/** Seconds between two looks at whether the guest has set up its virtual socket. */
const LOOK = 0.05;
/** Seconds that a guest may take to give up its virtual socket. */
const UNPLUG = 300;
/** QEMU's name for the virtual socket, and for the way to it. */
const VSOCK = "vsock";

/**
 * A process that ends with this one, whatever the reason. Its stdio is this
 * process's, as that of a hypervisor is.
 */
function spawn(command: readonly string[], stdin: "inherit" | "null") {
  return new Deno.Command("setpriv", {
    args: ["--pdeathsig", "KILL", "--", ...command],
    stdin,
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
}

/** Waits until somebody listens on a socket, which its file alone does not say. */
async function isListening(path: string): Promise<void> {
  const end = performance.now() + PATIENCE * 1000;
  while (performance.now() < end) {
    // The fourth word has the flag of a socket that takes connections.
    const sockets = await Deno.readTextFile("/proc/net/unix");
    const line = sockets.split("\n").find((line) => line.endsWith(` ${path}`));
    if (line?.split(/ +/)[3] === "00010000") return;
    await delay(PAUSE);
  }
  throw new Error(`Expected somebody to listen at ${path}`);
}

/** A machine that QEMU emulates, with a virtual socket that a process makes. */
export class EmulatedMachine {
  readonly #directory: string;
  readonly #qemu: Deno.ChildProcess;
  #device?: Deno.ChildProcess;
  readonly #qmp: QmpClient;
  readonly #hardware: Hardware;
  #end?: MachineEnd;
  /** What it had when it was paused. */
  #still?: { readonly disks: number[]; readonly memory: number };
  /** How it has ended; a machine that was powered off stands still until then. */
  readonly ended: Promise<MachineEnd>;

  private constructor(
    directory: string,
    qemu: Deno.ChildProcess,
    qmp: QmpClient,
    hardware: Hardware,
    onEnd: (end: MachineEnd) => void,
  ) {
    this.#directory = directory;
    this.#qemu = qemu;
    this.#qmp = qmp;
    this.#hardware = hardware;
    qmp.onEvent(({ event, data }) => {
      if (event !== "SHUTDOWN" || this.#end !== undefined) return;
      this.#end = data?.reason === "guest-reset" ? "reset" : "power off";
      onEnd(this.#end);
    });
    this.ended = qemu.status.then(() => this.#end ?? "failed");
  }

  /**
   * Starts it. Its processors stand still.
   *
   * @param api The socket of the hypervisor's API. A directory beside it gets
   * this machine's own sockets, so that they go where that one goes, too.
   * @param onEnd Called when the guest resets itself or powers off, which stops
   * its processors.
   * @param saved A file that {@linkcode save} has written, to go on from that.
   */
  static async start(
    api: string,
    hardware: Hardware,
    onEnd: (end: MachineEnd) => void,
    saved?: string,
  ): Promise<EmulatedMachine> {
    // Its name is short, as paths of sockets have to be.
    const directory = `${dirname(resolve(api))}/e`;
    await Deno.remove(directory, { recursive: true }).catch(() => {});
    await Deno.mkdir(directory, { mode: 0o700 });
    const qemu = spawn(
      [
        Deno.env.get("VMWRIGHT_QEMU") ?? "qemu-system-x86_64",
        ...qemuArguments(hardware, directory),
        ...saved === undefined ? [] : ["-incoming", "defer"],
      ],
      "inherit",
    );
    const died = qemu.status.then(() => {
      throw new Error("QEMU has ended");
    });
    died.catch(() => {});
    await Promise.race([isListening(`${directory}/qmp`), died]);
    const stream = await Deno.connect({
      transport: "unix",
      path: `${directory}/qmp`,
    });
    const qmp = await connectQmp(stream);
    const machine = new EmulatedMachine(
      directory,
      qemu,
      qmp,
      hardware,
      onEnd,
    );
    if (saved !== undefined) {
      await migrated(qmp, "migrate-incoming", `exec:exec cat ${quoted(saved)}`);
    }
    return machine;
  }

  /**
   * Stands still from outside: QEMU's own pause would stop the virtual socket,
   * whose connections a real one keeps. QEMU answers nothing until it goes on,
   * so what may be asked meanwhile is asked before.
   */
  async pause(): Promise<void> {
    const disks = await this.disks();
    const memory = this.#hardware.hasBalloon ? await this.memoryLeft() : 0;
    this.#still = { disks, memory };
    this.#qemu.kill("SIGSTOP");
  }

  /** Goes on, or begins. */
  async resume(): Promise<void> {
    this.#qemu.kill("SIGCONT");
    this.#still = undefined;
    await this.#plugIn();
    await this.#qmp.send("cont");
  }

  /**
   * Saves all but the disks of a machine that stands still. QEMU can't save this
   * virtual socket: so the guest runs once more for a moment, and gives it up,
   * with all connections. It gets it again when it goes on.
   */
  async save(path: string): Promise<void> {
    this.#qemu.kill("SIGCONT");
    if (this.#device !== undefined) {
      const deleted = this.#qmp.waitForEvent(
        ({ event, data }) =>
          event === "DEVICE_DELETED" && data?.device === VSOCK,
        { timeout: UNPLUG },
      );
      await this.#qmp.send("device_del", { id: VSOCK });
      await deleted;
    }
    await this.#qmp.send("stop");
    await this.#unplug();
    await migrated(this.#qmp, "migrate", `exec:exec cat >${quoted(path)}`);
  }

  /** Gives the guest its virtual socket, unless it has that. */
  async #plugIn(): Promise<void> {
    const { vsock } = this.#hardware;
    if (vsock === undefined || this.#device !== undefined) return;
    // One program, or words that start it.
    const program = Deno.env.get("VMWRIGHT_VHOST_DEVICE_VSOCK") ??
      "vhost-device-vsock";
    const path = `${this.#directory}/vsock`, host = `${this.#directory}/host`;
    // Calls of the guest.
    await Deno.symlink(`${vsock.socket}_1234`, `${host}_1234`);
    const device = spawn([
      ...program.split(" "),
      ...["--guest-cid", `${vsock.cid}`, "--socket", path],
      ...["--uds-path", host],
    ], "null");
    this.#device = device;
    await isListening(path);
    await this.#qmp.send("chardev-add", {
      id: VSOCK,
      backend: {
        type: "socket",
        data: { server: false, addr: { type: "unix", data: { path } } },
      },
    });
    await this.#qmp.send("device_add", {
      driver: "vhost-user-vsock-pci",
      id: VSOCK,
      chardev: VSOCK,
    });
    this.#offer(device, host, vsock.socket).catch(() => {
      // The machine has ended.
    });
  }

  /**
   * Lets the host's programs connect once the guest's driver has set up the
   * virtual socket. The device fails for good at a connection before that, which
   * a real hypervisor takes.
   */
  async #offer(
    device: Deno.ChildProcess,
    from: string,
    to: string,
  ): Promise<void> {
    while (this.#device === device) {
      const status = await this.#qmp.send("x-query-virtio-status", {
        path: `/machine/peripheral/${VSOCK}/virtio-backend`,
      }, { timeout: null }) as { "vhost-started": boolean };
      if (status["vhost-started"] && this.#device === device) {
        return await Deno.rename(from, to);
      }
      await delay(LOOK);
    }
  }

  /** Ends what serves the virtual socket. */
  async #unplug(): Promise<void> {
    const { vsock } = this.#hardware;
    if (vsock === undefined || this.#device === undefined) return;
    await this.#qmp.send("chardev-remove", { id: VSOCK });
    await this.#endDevice();
  }

  async #endDevice(): Promise<void> {
    const device = this.#device;
    if (device === undefined) return;
    this.#device = undefined;
    try {
      device.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await device.status;
    const inner = ["vsock", "host", "host_1234"];
    for (
      const path of [
        this.#hardware.vsock!.socket,
        ...inner.map((name) => `${this.#directory}/${name}`),
      ]
    ) {
      await Deno.remove(path).catch(() => {});
    }
  }

  async press(): Promise<void> {
    await this.#qmp.send("send-key", {
      keys: ["ctrl", "alt", "delete"].map((data) => ({ type: "qcode", data })),
    });
  }

  /** Lets no more of a disk's requests pass; 0: no limit. */
  async throttle(disk: number, bytes: number, operations: number) {
    await this.#qmp.send("block_set_io_throttle", {
      device: `drive${disk}`,
      bps: bytes,
      bps_rd: 0,
      bps_wr: 0,
      iops: operations,
      iops_rd: 0,
      iops_wr: 0,
    });
  }

  /** Asks the guest to release a disk. */
  async unplugDisk(disk: number): Promise<void> {
    await this.#qmp.send("device_del", { id: `disk${disk}` });
  }

  /** The numbers of the disks that the guest has. */
  async disks(): Promise<number[]> {
    if (this.#still !== undefined) return this.#still.disks;
    const devices = await this.#qmp.send("qom-list", {
      path: "/machine/peripheral",
    }) as { name: string }[];
    return devices.flatMap(({ name }) => {
      const number = /^disk(\d+)$/.exec(name)?.[1];
      return number === undefined ? [] : [Number(number)];
    });
  }

  /** How much of its memory the guest is to have, and has. */
  async leaveMemory(bytes: number): Promise<void> {
    await this.#qmp.send("balloon", { value: bytes });
  }

  async memoryLeft(): Promise<number> {
    if (this.#still !== undefined) return this.#still.memory;
    const { actual } = await this.#qmp.send("query-balloon") as {
      actual: number;
    };
    return actual;
  }

  async powerButton(): Promise<void> {
    await this.#qmp.send("system_powerdown");
  }

  async interrupt(): Promise<void> {
    await this.#qmp.send("inject-nmi");
  }

  /** Ends it, and removes its virtual socket. */
  async stop(): Promise<void> {
    try {
      this.#qemu.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#qemu.status;
    await this.#endDevice();
    this.#qmp.close();
    await Deno.remove(this.#directory, { recursive: true });
  }
}

/** Saves a machine that stands still, or loads one. */
async function migrated(
  qmp: QmpClient,
  command: "migrate" | "migrate-incoming",
  uri: string,
): Promise<void> {
  await qmp.send("migrate-set-capabilities", {
    capabilities: [{ capability: "events", state: true }],
  });
  const over = qmp.waitForEvent(
    ({ event, data }) =>
      event === "MIGRATION" &&
      (data?.status === "completed" || data?.status === "failed"),
    { timeout: null },
  );
  over.catch(() => {});
  await qmp.send(command, { uri });
  const { data } = await over;
  if (data?.status !== "completed") throw new Error(`${command} failed`);
}

/** QEMU's arguments. */
function qemuArguments(hardware: Hardware, directory: string): string[] {
  const { memory, initrd } = hardware;
  const args = [
    ..."-nodefaults -no-user-config -display none -S".split(" "),
    ...["-accel", "tcg"],
    ...["-M", "pc,memory-backend=memory", "-m", `${memory}`],
    ...["-smp", `${hardware.processors}`],
    ...[
      "-object",
      `memory-backend-memfd,id=memory,size=${memory}M,share=on`,
    ],
    // A guest that has ended stands still until it is asked why.
    ...["-no-reboot", "-action", "shutdown=pause"],
    ...["-qmp", `unix:${directory}/qmp,server=on,wait=off`],
    ...["-serial", hardware.serial],
    ...["-device", "virtio-rng-pci"],
    ...["-kernel", hardware.kernel, "-append"],
    // A busy host may bring the timer too late for the kernel's check of it.
    `${hardware.parameters} no_timer_check`,
  ];
  if (initrd !== undefined) args.push("-initrd", initrd);
  hardware.disks.forEach(({ path, isReadOnly, format }, index) => {
    args.push(
      "-drive",
      `file=${path.replaceAll(",", ",,")},if=none,id=drive${index},` +
        `format=${format},cache=unsafe,readonly=${isReadOnly ? "on" : "off"}`,
      "-device",
      `virtio-blk-pci,drive=drive${index},id=disk${index}`,
    );
  });
  if (hardware.hasBalloon) args.push("-device", "virtio-balloon-pci");
  hardware.cards.forEach(({ tap, mac }, index) => {
    args.push(
      "-netdev",
      `tap,id=net${index},ifname=${tap},script=no,downscript=no`,
      "-device",
      `virtio-net-pci,netdev=net${index},romfile=${
        mac === undefined ? "" : `,mac=${mac}`
      }`,
    );
  });
  return args;
}
