import type { GuestImage } from "./guest_image.ts";

/** A guest with systemd. */
export function debian(): Promise<GuestImage> {
  return Promise.reject(new Error("the guest debian can't be built yet"));
}
