import { nameOf } from "../driver/machine_name.ts";
import type { ScriptNames } from "../script/declarations.ts";
import type { Configuration } from "./configuration.ts";

/** The machines and networks whose names a script sees. */
export function scriptNames(
  { machines, containers, vlans }: Configuration,
): ScriptNames {
  return {
    machines: [
      ...machines.map(nameOf),
      ...containers.map(({ name }) => ({ name, backend: "nspawn" as const })),
    ],
    vlans,
  };
}
