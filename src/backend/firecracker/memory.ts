import { MachineError } from "../../errors.ts";
import { type ApiClient, ApiError } from "../microvm/api_client.ts";
import type { Balloon } from "../limited_memory.ts";
import type { BalloonStats, BalloonUpdate } from "./requests.ts";

const MIB = 2 ** 20;

/** The balloon of a guest of Firecracker's, which its description gives it. */
export class FirecrackerBalloon implements Balloon {
  readonly page = MIB;
  readonly #api: Pick<ApiClient, "request">;
  readonly #machine: string;
  readonly #memory: number;

  /** Takes Firecracker's API, the machine's name and its bytes of memory. */
  constructor(
    api: Pick<ApiClient, "request">,
    machine: string,
    memory: number,
  ) {
    this.#api = api;
    this.#machine = machine;
    this.#memory = memory;
  }

  /** See {@linkcode Balloon.open}. */
  async open(): Promise<void> {
    try {
      await this.left();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw new MachineError(
        `${this.#machine} has no memory balloon of which Firecracker tells how ` +
          'full it is, and gets none while it runs: have its description say "balloon": ' +
          '{ "amount_mib": 0, "deflate_on_oom": false, "stats_polling_interval_s": 1 }',
        { cause: error },
      );
    }
  }

  /** See {@linkcode Balloon.left}. */
  async left(): Promise<number> {
    const { actual_mib: held } = await this.#api.request(
      "GET",
      "/balloon/statistics",
    ) as BalloonStats;
    return this.#memory - held * MIB;
  }

  /** See {@linkcode Balloon.leave}. */
  async leave(bytes: number): Promise<void> {
    const update: BalloonUpdate = {
      amount_mib: Math.floor((this.#memory - bytes) / MIB),
    };
    await this.#api.request("PATCH", "/balloon", update);
  }
}
