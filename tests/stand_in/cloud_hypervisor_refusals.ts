import type { Exchange } from "./answers.ts";

const serde = "Failed to deserialize JSON: ";
const api = "Error from API: ";

/**
 * What is asked without a guest that boots, one after the other, and what Cloud
 * Hypervisor 53 was seen to answer.
 *
 * @param place A directory with a file `kernel`.
 */
export const withoutGuest = (place: string): Exchange[] => {
  const put = (
    name: string,
    answer: number | string,
    body?: unknown,
  ): Exchange => ["PUT", `/api/v1/${name}`, body, answer];
  return [
    [
      "GET",
      "/api/v1/vm.info",
      undefined,
      `${api}The VM info is not available: VM is not created`,
    ],
    put("vm.boot", `${api}The VM could not boot: VM config is missing`),
    put("vm.pause", `${api}The VM could not be paused: VM is not running`),
    put("vm.resume", `${api}The VM could not resume: VM is not running`),
    put("vm.reboot", `${api}The VM could not reboot: VM is not created`),
    put("vm.shutdown", `${api}The VM could not shutdown: VM is not running`),
    put(
      "vm.power-button",
      `${api}Error triggering power button: VM is not running`,
    ),
    put("vm.delete", 204),
    put("vm.boot", "Bad Request", {}),
    put("vm.create", 400),
    ["GET", "/api/v1/vm.create", undefined, "Bad Request"],
    put("vm.info", "Bad Request"),
    put("nowhere", "Not Found"),
    put("vm.create", `${serde}missing field \`size\``, { memory: {} }),
    put("vm.create", `${serde}missing field \`max_vcpus\``, {
      cpus: { boot_vcpus: 1 },
    }),
    put("vm.create", `${serde}missing field \`socket\``, { vsock: { cid: 3 } }),
    put("vm.create", `${serde}invalid type: string "3", expected u32`, {
      vsock: { cid: "3", socket: "/x" },
    }),
    put("vm.create", `${serde}missing field \`mode\``, { serial: {} }),
    put(
      "vm.create",
      `${serde}unknown variant \`Loud\`, expected one of \`Off\`, \`Pty\`, ` +
        "`Tty`, `File`, `Socket`, `Null`",
      { serial: { mode: "Loud" } },
    ),
    put(
      "vm.create",
      `${serde}unknown variant \`Tape\`, expected one of \`FixedVhd\`, ` +
        "`Qcow2`, `Raw`, `Vhdx`, `Unknown`",
      { disks: [{ path: "/x", image_type: "Tape" }] },
    ),
    put("vm.create", 204, { unknown: 1 }),
    put(
      "vm.create",
      `${api}The VM could not be created: VM is already created`,
      {
        payload: { kernel: "/none" },
      },
    ),
    put(
      "vm.boot",
      `${api}The VM could not boot: Failed to validate config: Payload ` +
        "configuration is not bootable: No bootitem provided: neither firmware " +
        "nor kernel",
    ),
    put("vm.delete", 204),
    put("vm.create", 204, { payload: { kernel: `${place}/none` } }),
    put(
      "vm.boot",
      `${api}The VM could not boot: Cannot open kernel file: No such file or ` +
        "directory (os error 2)",
    ),
    put("vm.delete", 204),
    put("vm.create", 204, {
      payload: { kernel: `${place}/kernel` },
      disks: [{ path: `${place}/none`, image_type: "Raw" }],
    }),
    put(
      "vm.boot",
      `${api}The VM could not boot: Error from device manager: Cannot open disk ` +
        `path: I/O error (path=${place}/none op=open): No such file or ` +
        "directory (os error 2)",
    ),
  ];
};
