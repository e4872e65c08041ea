import type { BackendKind } from "./backend.ts";
import { cloudHypervisor } from "./cloud_hypervisor/kind.ts";
import { firecracker } from "./firecracker/kind.ts";
import { nspawn } from "./nspawn/kind.ts";
import { qemu } from "./qemu/kind.ts";
import type { StartCommand } from "./start_command.ts";

/** What runs a machine. */
export type BackendName =
  | "qemu"
  | "nspawn"
  | "firecracker"
  | "cloud-hypervisor";

/** All kinds of backends, by their names in configurations. */
export const kinds: Record<BackendName, BackendKind> = {
  qemu,
  nspawn,
  firecracker,
  "cloud-hypervisor": cloudHypervisor,
};

/** Whether a value is the name of a backend. */
export function isBackend(value: unknown): value is BackendName {
  return typeof value === "string" && Object.hasOwn(kinds, value);
}

/** The names of all backends, as words of a message: `"qemu" or "nspawn"`. */
export function backendWords(): string {
  const names = Object.keys(kinds).map((name) => `"${name}"`);
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

/** The backend of a start command whose name tells none. */
const USUAL: BackendName = "qemu";
/** The name of a machine whose start command tells none. */
const NAMELESS = "machine";

/** Reads a machine's name and backend from the name of its start command. */
export function startedBy(
  { text }: StartCommand,
): { name: string; backend: BackendName } {
  for (const backend of Object.keys(kinds) as BackendName[]) {
    const name = kinds[backend].machineName(text);
    if (name !== undefined) return { name, backend };
  }
  return { name: NAMELESS, backend: USUAL };
}
