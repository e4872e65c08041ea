import { version as ownVersion } from "../../version.ts";
import { hostProcessor, type Identity } from "../identity.ts";
import type { Description } from "./description.ts";

/** The keys of a description whose values are paths, for either hypervisor. */
const PATHS = new Set([
  ..."kernel_image_path initrd_path path_on_host cpu-config".split(" "),
  ..."kernel initramfs firmware path".split(" "),
]);

/**
 * What a saved guest of a hypervisor with a description depends on.
 *
 * @param hypervisor The hypervisor, as messages call it.
 * @param version Its version.
 */
export function microVmIdentity(
  hypervisor: string,
  version: string,
  { value, path }: Description,
): Identity {
  const text = JSON.stringify(
    value,
    (key, part) =>
      PATHS.has(key) && typeof part === "string" ? path(part) : part,
    1,
  );
  return {
    "version of vmwright": ownVersion,
    [`version of ${hypervisor}`]: version,
    // A guest on KVM may use whatever the host's processor has.
    "processor of the host": hostProcessor(),
    description: text.split("\n").map((line) => line.trim()).join("\0"),
  };
}
