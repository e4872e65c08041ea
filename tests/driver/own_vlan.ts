/**
 * A number for a VLAN of which the host sees interfaces: their names must not
 * be those of another run, nor of another test of this one.
 */
export function ownVlan(
  test: "containers" | "host plug" | "leftovers" | "microVMs",
): number {
  const tests = ["containers", "host plug", "leftovers", "microVMs"];
  return 2 + Deno.pid % 60 * tests.length + tests.indexOf(test);
}
