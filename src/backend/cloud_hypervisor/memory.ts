import { MachineError } from "../../errors.ts";
import type { Balloon } from "../limited_memory.ts";
import type { ApiClient } from "../microvm/api_client.ts";
import type { VmInfo } from "./vm_info.ts";

/** The balloon of a guest of Cloud Hypervisor's, which its description gives it. */
export class CloudHypervisorBalloon implements Balloon {
  readonly page = 4096;
  readonly #api: Pick<ApiClient, "request">;
  readonly #machine: string;

  /** Takes Cloud Hypervisor's API, and the machine's name. */
  constructor(api: Pick<ApiClient, "request">, machine: string) {
    this.#api = api;
    this.#machine = machine;
  }

  /** See {@linkcode Balloon.open}. */
  async open(): Promise<void> {
    const { config } = await this.#info();
    if (config.balloon !== undefined && config.balloon !== null) return;
    throw new MachineError(
      `${this.#machine} has no memory balloon, and gets none from Cloud ` +
        'Hypervisor while it runs: have its description say "balloon": ' +
        '{ "size": 0 }',
    );
  }

  /** See {@linkcode Balloon.left}. */
  async left(): Promise<number> {
    return (await this.#info()).memory_actual_size;
  }

  /** See {@linkcode Balloon.leave}. */
  async leave(bytes: number): Promise<void> {
    const { config } = await this.#info();
    await this.#api.request("PUT", "/vm.resize", {
      desired_balloon: config.memory.size - bytes,
    });
  }

  async #info(): Promise<VmInfo> {
    return await this.#api.request("GET", "/vm.info") as VmInfo;
  }
}
