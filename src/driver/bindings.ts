import { type Machine, offerSnakeCase } from "../machine/mod.ts";
import { identifier } from "./identifier.ts";
import type { Vlan } from "./vlan.ts";

/**
 * Collects the names that a test script sees: the driver's in camelCase and in
 * snake_case, each machine and each VLAN.
 *
 * @param own The driver's own names, in camelCase.
 * @param machines The machines, which scripts see by their names.
 * @param vlans The networks, which scripts see by their numbers.
 * @param onHidden Gets each name that a machine takes from something else.
 */
export function bindings(
  own: Record<string, unknown>,
  machines: readonly Machine[],
  vlans: readonly Vlan[],
  onHidden: (name: string) => void,
): Record<string, unknown> {
  const names: Record<string, unknown> = { ...own };
  offerSnakeCase(names);
  const aliases = Object.getOwnPropertyNames(names)
    .map((name) => [name, names[name]]);
  const all: Record<string, unknown> = {
    ...Object.fromEntries(aliases),
    ...Object.fromEntries(vlans.map((vlan) => [`vlan${vlan.nr}`, vlan])),
  };
  for (const machine of machines) {
    const name = identifier(machine.name);
    if (name in all) onHidden(name);
    all[name] = machine;
  }
  const [only, ...others] = machines;
  if (only !== undefined && others.length === 0) all.machine ??= only;
  return all;
}
