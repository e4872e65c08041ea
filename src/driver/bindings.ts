import { offerSnakeCase } from "../machine/mod.ts";
import type { Driver } from "./driver.ts";
import { identifier } from "./identifier.ts";

/**
 * Every name that a test script sees: the driver's own in camelCase and in
 * snake_case, each machine and each VLAN.
 *
 * @param driver Whose they are.
 * @param onHidden Told of each name that a machine takes from something else.
 */
export function bindings(
  driver: Driver,
  onHidden?: (name: string) => void,
): Record<string, unknown> {
  const general: Record<string, unknown> = {
    startAll: () => driver.startAll(),
    joinAll: () => driver.joinAll(),
    testScript: () => driver.testScript(),
    runTests: () => driver.runTests(),
    machines: driver.machines,
    machinesQemu: driver.machinesQemu,
    machinesNspawn: driver.machinesNspawn,
    vlans: driver.vlans,
    driver,
    log: driver.log,
    createMachine: driver.createMachine.bind(driver),
    subtest: driver.subtest.bind(driver),
    retry: driver.retry.bind(driver),
    serialStdoutOn: () => driver.serialStdoutOn(),
    serialStdoutOff: () => driver.serialStdoutOff(),
    pollingCondition: driver.pollingCondition.bind(driver),
    debug: driver.debug,
  };
  const names: Record<string, unknown> = { ...general };
  offerSnakeCase(names);
  const aliases = Object.getOwnPropertyNames(names)
    .map((name) => [name, names[name]]);
  const all: Record<string, unknown> = {
    ...Object.fromEntries(aliases),
    ...Object.fromEntries(
      driver.vlans.map((vlan) => [`vlan${vlan.nr}`, vlan]),
    ),
  };
  for (const machine of driver.machines) {
    const name = identifier(machine.name);
    if (name in all) onHidden?.(name);
    all[name] = machine;
  }
  const [only, ...others] = driver.machines;
  if (only !== undefined && others.length === 0) all.machine ??= only;
  return all;
}
