import { seenMachine } from "../backend/mod.ts";
import { TestFailure, UsageError } from "../errors.ts";
import type { MachineCore } from "./core.ts";
import {
  EFI_STORE_LENGTH,
  EFI_STORE_LENGTH_OF_VIRT,
  efiAttributes,
  type EfiVariable,
  emptyStore,
  isGuid,
  isKnownLength,
  parseStore,
  writeStore,
} from "./efi_store.ts";
import { efiVarsPath } from "./paths.ts";

/** How many bytes of a value a dump shows. */
const SHOWN = 32;

/** See {@linkcode QemuMachine.createEfiVars}. */
export async function createEfiVars(core: MachineCore): Promise<void> {
  requireStopped(core);
  await Deno.mkdir(core.stateDir, { recursive: true, mode: 0o700 });
  try {
    const store = emptyStore(lengthFor(core));
    await Deno.writeFile(efiVarsPath(core), store, { createNew: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    throw new TestFailure(
      `${core.name} has a store of EFI variables already: ${efiVarsPath(core)}`,
    );
  }
}

/** See {@linkcode QemuMachine.readEfiVars}. */
export async function readEfiVars(
  core: MachineCore,
): Promise<EfiVariable[] | undefined> {
  requireStopped(core);
  const bytes = await read(core);
  return bytes && parseStore(bytes, efiVarsPath(core));
}

/** See {@linkcode QemuMachine.writeEfiVars}. */
export async function writeEfiVars(
  core: MachineCore,
  variables: readonly EfiVariable[],
): Promise<void> {
  requireStopped(core);
  for (const variable of variables) requireVariable(variable);
  const path = efiVarsPath(core);
  const bytes = await read(core);
  const length = bytes?.length ?? lengthFor(core);
  const all = new Map<string, EfiVariable>();
  const keyOf = (one: EfiVariable) => `${one.guid.toLowerCase()}-${one.name}`;
  for (const one of bytes === undefined ? [] : parseStore(bytes, path)) {
    all.set(keyOf(one), one);
  }
  if (!isKnownLength(length)) {
    throw new TestFailure(
      `Expected the variables of a known OVMF firmware, got ${path}, which has ${length} bytes`,
    );
  }
  // The order of variables does not matter to the firmware.
  for (const one of variables) all.set(keyOf(one), one);
  await Deno.mkdir(core.stateDir, { recursive: true, mode: 0o700 });
  await Deno.writeFile(path, writeStore([...all.values()], length));
}

/** See {@linkcode QemuMachine.dumpEfiVars}. */
export async function dumpEfiVars(core: MachineCore): Promise<void> {
  const variables = await readEfiVars(core);
  const path = efiVarsPath(core);
  const lines = variables === undefined
    ? [`there are no EFI variables: ${path} does not exist`]
    : [`EFI variables in ${path}:`, ...variables.map(shown)];
  for (const line of lines) core.log.info(line, core.attributes);
}

function shown({ guid, name, data, attributes = 0 }: EfiVariable): string {
  const names = Object.entries(efiAttributes)
    .filter(([, bit]) => (attributes & bit) !== 0).map(([one]) => one);
  const more = data.length > SHOWN ? "…" : "";
  return `  ${name} of ${guid} (${names.join(", ")}): ${data.length} bytes: ${
    data.slice(0, SHOWN).toHex()
  }${more}`;
}

async function read(core: MachineCore): Promise<Uint8Array | undefined> {
  try {
    return await Deno.readFile(efiVarsPath(core));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** The length of the store that the firmware of a machine expects. */
function lengthFor({ startCommand }: MachineCore): number {
  return seenMachine(startCommand).target === "aarch64"
    ? EFI_STORE_LENGTH_OF_VIRT
    : EFI_STORE_LENGTH;
}

/**
 * Refuses while the machine runs: the firmware may be in the middle of a write.
 */
function requireStopped(core: MachineCore): void {
  if (!core.booted) return;
  throw new TestFailure(
    `${core.name} is running: its EFI variables can be read and written only ` +
      "while it does not run",
  );
}

function requireVariable({ guid, name, data }: EfiVariable): void {
  if (typeof guid !== "string" || !isGuid(guid)) {
    throw new UsageError(
      `Expected a GUID such as "8be4df61-93ca-11d2-aa0d-00e098032b8c" for an ` +
        `EFI variable, got ${Deno.inspect(guid)}`,
    );
  }
  if (typeof name !== "string" || name === "" || name.includes("\0")) {
    throw new UsageError(
      `Expected a name for an EFI variable, got ${Deno.inspect(name)}`,
    );
  }
  if (!(data instanceof Uint8Array) || data.length === 0) {
    throw new UsageError(
      `Expected a Uint8Array with the value of the EFI variable ${name}, got ${
        Deno.inspect(data)
      }; an EFI variable can't be empty`,
    );
  }
}
