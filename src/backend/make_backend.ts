import type { Backend } from "./backend.ts";
import { CloudHypervisorBackend } from "./cloud_hypervisor/cloud_hypervisor.ts";
import type { BackendName } from "./kinds.ts";
import { FirecrackerBackend } from "./firecracker/firecracker.ts";
import { NspawnBackend } from "./nspawn/nspawn.ts";
import { QemuBackend } from "./qemu/qemu.ts";
import type { Supervisor } from "./supervisor.ts";

const classes: Record<BackendName, new (supervisor: Supervisor) => Backend> = {
  qemu: QemuBackend,
  nspawn: NspawnBackend,
  firecracker: FirecrackerBackend,
  "cloud-hypervisor": CloudHypervisorBackend,
};

/**
 * Makes a backend.
 *
 * @param name Its name in configurations.
 * @param supervisor Owns all processes.
 */
export function makeBackend(
  name: BackendName,
  supervisor: Supervisor,
): Backend {
  return new classes[name](supervisor);
}
