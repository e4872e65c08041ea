import type { BackendKind } from "./backend.ts";
import { nspawn } from "./nspawn/kind.ts";
import { qemu } from "./qemu/kind.ts";
import type { StartCommand } from "./start_command.ts";

/** What runs a machine: QEMU, or systemd-nspawn. */
export type BackendName = "qemu" | "nspawn";

/** Every kind of backend, by the name that configurations have for it. */
export const kinds: Record<BackendName, BackendKind> = { qemu, nspawn };

/** The backend of a start command whose name says nothing. */
const USUAL: BackendName = "qemu";
/** The name of a machine whose start command says none. */
const NAMELESS = "machine";

/** What the name of a start command says of the machine that it starts. */
export function startedBy(
  { text }: StartCommand,
): { name: string; backend: BackendName } {
  for (const backend of Object.keys(kinds) as BackendName[]) {
    const name = kinds[backend].machineName(text);
    if (name !== undefined) return { name, backend };
  }
  return { name: NAMELESS, backend: USUAL };
}
