import { baseName } from "../../paths.ts";
import type { QmpClient } from "../../qmp/mod.ts";
import type { GuestDisks, GuestWriteCaches } from "../backend.ts";
import { noDisk } from "../no_disk.ts";
import { QemuBlockDevice } from "./block_device.ts";

/** A device as `query-block` describes it. */
interface Block {
  readonly device: string;
  readonly qdev?: string;
  readonly removable: boolean;
  readonly inserted?: {
    readonly "node-name": string;
    readonly image: { readonly "virtual-size": number };
  };
}

/** What the disks of a guest need of its machine. */
export interface QemuBlockDevicesOptions {
  /** The machine's name. */
  machine: string;
  /** The directory for files. */
  directory: string;
  /** Ends the guest at once. */
  crash(): Promise<void>;
}

/** The disks of a guest of QEMU. */
export class QemuBlockDevices implements GuestDisks, GuestWriteCaches {
  readonly #qmp: QmpClient;
  readonly #options: QemuBlockDevicesOptions;
  /** The disks by their paths in QEMU. */
  readonly #disks = new Map<string, QemuBlockDevice>();

  /** Takes QEMU's monitor. */
  constructor(qmp: QmpClient, options: QemuBlockDevicesOptions) {
    this.#qmp = qmp;
    this.#options = options;
  }

  /** See {@linkcode GuestWriteCaches.areTracked}. */
  get areTracked(): boolean {
    return this.#tracked.length > 0;
  }

  get #tracked(): QemuBlockDevice[] {
    return [...this.#disks.values()].filter(({ isTracked }) => isTracked);
  }

  /**
   * See {@linkcode GuestDisks.find}. Names are those of `-drive id=`, else QEMU's
   * own (`virtio0`), of `-device id=`, of `-blockdev node-name=`, and serials.
   */
  async find(name?: string): Promise<QemuBlockDevice> {
    const blocks = await this.#qmp.send("query-block") as Block[];
    const all: string[] = [];
    for (const { device, qdev, removable, inserted } of blocks) {
      if (qdev === undefined || inserted === undefined || removable) continue;
      const names: string[] = [
        device,
        baseName(qdev.replace(/\/virtio-backend$/, "")),
        inserted["node-name"],
        await this.#serial(qdev) ?? "",
      ].filter((one) => one !== "");
      all.push(names.find((one) => !/^#|\[/.test(one)) ?? names[0]);
      if (name !== undefined && !names.includes(name)) continue;
      let disk = this.#disks.get(qdev);
      if (disk === undefined) {
        const { machine, directory } = this.#options;
        disk = new QemuBlockDevice(this.#qmp, machine, directory, {
          name: all.at(-1)!,
          path: qdev,
          node: inserted["node-name"],
          size: inserted.image["virtual-size"],
          number: this.#disks.size,
        });
        this.#disks.set(qdev, disk);
      }
      disk.refresh(inserted["node-name"]);
      return disk;
    }
    throw noDisk(this.#options.machine, "QEMU", name, all);
  }

  /** See {@linkcode GuestWriteCaches.losePower}. */
  async losePower(): Promise<void> {
    const tracked = this.#tracked;
    await Promise.all(tracked.map((disk) => disk.cut()));
    await Promise.all(tracked.map((disk) => disk.endLog()));
    await this.#qmp.send("stop");
    try {
      for (const disk of tracked) await disk.rollBack();
    } finally {
      await this.#options.crash();
    }
  }

  async #serial(path: string): Promise<string | undefined> {
    try {
      return await this.#qmp.send("qom-get", {
        path,
        property: "serial",
      }) as string;
    } catch {
      // Not every disk has a serial number.
      return undefined;
    }
  }
}
