// Fetches what tests need besides guests, so that none of them waits for it while
// the others run: deno run -A tests/supplies.ts

import { microvmExample } from "./guests/microvm_example.ts";
import { redis } from "./guests/redis.ts";
import { uefi } from "./guests/uefi.ts";
import { microSystem } from "./nix/microvm/system.ts";
import { newerErofs } from "./nix/newer_erofs.ts";
import { newerNix } from "./nix/newer_nix.ts";
import { openSsh } from "./nix/open_ssh.ts";
import { checkers } from "./script/python/checkers.ts";
import { vhostDeviceVsock } from "./stand_in/vhost_device_vsock.ts";

/** By the names that a person reads. */
const supplies: Readonly<Record<string, () => Promise<unknown>>> = {
  "the checkers of Python": checkers,
  "vhost-device-vsock": vhostDeviceVsock,
  "a newer Nix": newerNix,
  "programs for erofs": newerErofs,
  "Redis": redis,
  "ssh": openSsh,
  "firmware with UEFI": uefi,
  "the system of Nix's microVMs": microSystem,
  "the microVM of the examples": microvmExample,
};

for (const [name, fetch] of Object.entries(supplies)) {
  try {
    await fetch();
  } catch (error) {
    // A test that can't do without it fetches it once more, and fails.
    console.error(`${name} can't be had: ${(error as Error).message}`);
  }
}
