import type { DiskLimits, GuestDisk, GuestDisks } from "../backend.ts";
import type { ApiClient } from "../microvm/api_client.ts";
import { noDisk } from "../no_disk.ts";
import type { Drive, PartialDrive, TokenBucket } from "./requests.ts";

/** A bucket that limits nothing. */
const OFF: TokenBucket = { size: 0, refill_time: 0 };
/** Milliseconds in which a limit's bucket is full again. */
const SECOND = 1000;

/** The disks of a guest of Firecracker's. */
export class FirecrackerDisks implements GuestDisks {
  readonly #api: Pick<ApiClient, "request">;
  readonly #machine: string;
  readonly #drives: readonly Drive[];

  /** Takes Firecracker's API, the machine's name and its disks. */
  constructor(
    api: Pick<ApiClient, "request">,
    machine: string,
    drives: readonly Drive[],
  ) {
    this.#api = api;
    this.#machine = machine;
    this.#drives = drives;
  }

  /** See {@linkcode GuestDisks.find}. Names are their ids. */
  find(name?: string): Promise<GuestDisk> {
    const drive = this.#drives.find(({ drive_id: id }) =>
      name === undefined || name === id
    );
    if (drive === undefined) {
      return Promise.reject(
        noDisk(
          this.#machine,
          "Firecracker",
          name,
          this.#drives.map(({ drive_id: id }) => id),
        ),
      );
    }
    return Promise.resolve({
      throttle: (limits: DiskLimits) => this.#throttle(drive, limits),
    });
  }

  async #throttle(
    { drive_id, rate_limiter }: Drive,
    { bytesPerSecond, operationsPerSecond }: DiskLimits,
  ): Promise<void> {
    const bucket = (size: number, own: TokenBucket | undefined) =>
      size === 0 ? own ?? OFF : { size, refill_time: SECOND };
    const update: PartialDrive = {
      drive_id,
      rate_limiter: {
        bandwidth: bucket(bytesPerSecond, rate_limiter?.bandwidth),
        ops: bucket(operationsPerSecond, rate_limiter?.ops),
      },
    };
    await this.#api.request("PATCH", `/drives/${drive_id}`, update);
  }
}
