import { MachineError } from "../../errors.ts";
import { delay } from "../../time/mod.ts";
import type { GuestDisk, GuestDisks } from "../backend.ts";
import type { ApiClient } from "../microvm/api_client.ts";
import { noDisk } from "../no_disk.ts";
import type { VmInfo } from "./vm_info.ts";

/** Seconds that a guest may take to release a disk, and between two looks. */
const DETACH_TIMEOUT = 60, INTERVAL = 0.1;

/** The disks of a guest of Cloud Hypervisor's. */
export class CloudHypervisorDisks implements GuestDisks {
  readonly #api: Pick<ApiClient, "request">;
  readonly #machine: string;

  /** Takes Cloud Hypervisor's API, and the machine's name. */
  constructor(api: Pick<ApiClient, "request">, machine: string) {
    this.#api = api;
    this.#machine = machine;
  }

  /** See {@linkcode GuestDisks.find}. Names are their ids, and serials. */
  async find(name?: string): Promise<GuestDisk> {
    const { config } = await this.#info();
    const disks = config.disks ?? [];
    const found = disks.find(({ id, serial }) =>
      name === undefined || name === id || name === serial
    );
    const id = found?.id;
    if (typeof id !== "string") {
      throw noDisk(
        this.#machine,
        "Cloud Hypervisor",
        name,
        disks.map(({ id }) => `${id}`),
      );
    }
    return { detach: () => this.#detach(id) };
  }

  async #detach(id: string): Promise<void> {
    await this.#api.request("PUT", "/vm.remove-device", { id });
    // Nothing tells when the guest has released it. Looks are counted, and not
    // the time in which the host may stand still.
    let waited = 0;
    while (id in ((await this.#info()).device_tree ?? {})) {
      if (waited > DETACH_TIMEOUT) {
        throw new MachineError(
          `the guest of ${this.#machine} has not released its disk ${id} in ` +
            `${DETACH_TIMEOUT} seconds`,
        );
      }
      await delay(INTERVAL);
      waited += INTERVAL;
    }
  }

  async #info(): Promise<VmInfo> {
    return await this.#api.request("GET", "/vm.info") as VmInfo;
  }
}
