import type { BackendName } from "../backend/kinds.ts";
import {
  descriptionOf,
  type MicroVmFields,
} from "../backend/microvm/fields.ts";
import { isGiven, type JsonFile } from "./json_file.ts";

/** The port on which a guest's shell listens. */
const SHELL_PORT = 1234;
/** The TAP's name that puts a card on a VLAN in a description. */
const WIRED = "vlan";

/** The keys that both hypervisors have. */
const common = [
  "kernel_image_path",
  "rootfs_path",
  "initrd_path",
  "kernel_boot_args",
  "store_image_path",
  "mem_size_mib",
  "vcpu_count",
  "tap_interfaces",
  "vsock_cid",
  "vsock_port",
];

/** The keys of each, by its name, and the one with its program. */
const known: Partial<
  Record<BackendName, { keys: readonly string[]; program: string }>
> = {
  "firecracker": {
    keys: [...common, "huge_pages", "entropy", "snapshot_path"],
    program: "firecracker_bin",
  },
  "cloud-hypervisor": { keys: common, program: "cloud_hypervisor_bin" },
};

/** A microVM of a file. */
export interface MicroVm {
  /** Its description, in place of a start command. */
  readonly startCommand: string;
  /** The VLANs that it is in. */
  readonly vlans: readonly number[];
}

/** Whether a file may describe a machine of a backend key by key. */
export function hasFields(backend: BackendName): boolean {
  return known[backend] !== undefined;
}

/**
 * Reads a microVM that a file describes key by key, as Nix's builders of attest
 * write it.
 *
 * @param json The file.
 * @param path The machine's place in it.
 * @param one The machine.
 * @param backend Its hypervisor.
 * @param others Keys that all machines have.
 * @throws {UsageError} if a value is missing, or has the wrong type.
 */
export function microVmOf(
  json: JsonFile,
  path: string,
  one: Record<string, unknown>,
  backend: BackendName,
  others: readonly string[],
): MicroVm {
  const { keys, program } = known[backend]!;
  json.warnOfOthers(path, one, [...others, ...keys, program]);
  const text = (key: string, expected: string) =>
    json.text(`${path}.${key}`, one[key], expected);
  const mayHave = <T>(key: string, read: (path: string) => T) =>
    isGiven(one[key]) ? read(`${path}.${key}`) : undefined;
  const mayBeText = (key: string, expected: string) =>
    mayHave(key, () => text(key, expected));
  const mayBeNumber = (key: string, expected: string) =>
    mayHave(key, (path) => json.whole(path, one[key], expected));

  const port = one.vsock_port;
  if (isGiven(port) && port !== SHELL_PORT) {
    throw json.wrong(
      `${path}.vsock_port`,
      `${SHELL_PORT}, where a guest's shell listens`,
      port,
    );
  }
  if (isGiven(one.snapshot_path)) {
    json.warn(`${path}.snapshot_path has no effect: the machine boots`);
  }
  const pages = one.huge_pages;
  if (isGiven(pages) && pages !== "2M") {
    throw json.wrong(`${path}.huge_pages`, '"2M"', pages);
  }
  const cards = mayHave(
    "tap_interfaces",
    (path) => cardsOf(json, path, one.tap_interfaces),
  );
  const fields: MicroVmFields = {
    program: mayBeText(program, "the path of the hypervisor"),
    kernel_image_path: text(
      "kernel_image_path",
      "the path of a kernel, where there is no start_command",
    ),
    rootfs_path: text("rootfs_path", "the path of a disk"),
    initrd_path: mayBeText("initrd_path", "the path of an initial RAM disk"),
    kernel_boot_args: mayBeText("kernel_boot_args", "a kernel's command line"),
    store_image_path: mayBeText("store_image_path", "the path of a disk"),
    mem_size_mib: mayBeNumber("mem_size_mib", "a number of MiB above 0"),
    vcpu_count: mayBeNumber("vcpu_count", "a number of processors above 0"),
    vsock_cid: mayBeNumber("vsock_cid", "a number above 0"),
    huge_pages: isGiven(pages),
    entropy: mayHave("entropy", (path) => json.truth(path, one.entropy)),
    tap_interfaces: cards,
  };
  const devices = cards?.map(([, device]) => device) ?? [];
  return {
    startCommand: descriptionOf(backend, fields),
    vlans: devices.filter((device) => /^vlan\d+$/.test(device))
      .map((device) => Number(device.slice(WIRED.length))),
  };
}

/**
 * Cards as lists of a name, a TAP and a hardware address. A TAP that is called
 * `t<machine>v<vlan>` would be made for that VLAN before the driver, and the
 * driver makes its own.
 */
function cardsOf(
  json: JsonFile,
  path: string,
  value: unknown,
): [string, string, string][] {
  if (!Array.isArray(value)) {
    throw json.wrong(path, "a list of interfaces", value);
  }
  return value.map((card, at) => {
    const isRight = Array.isArray(card) && card.length === 3 &&
      card.every((word) => typeof word === "string" && word !== "");
    if (!isRight) {
      throw json.wrong(
        `${path}[${at}]`,
        "a list of a name, a TAP and a hardware address",
        card,
      );
    }
    const [name, tap, mac] = card;
    return [name, tap.replace(/^t\d+v(\d+)$/, `${WIRED}$1`), mac];
  });
}
