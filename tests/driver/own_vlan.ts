/**
 * A number for a VLAN of which the host sees interfaces: their names must not
 * be those of another run, nor of another test of this one.
 */
export function ownVlan(
  test: "containers" | "host plug" | "leftovers",
): number {
  const tests = ["containers", "host plug", "leftovers"];
  return 2 + Deno.pid % 80 * tests.length + tests.indexOf(test);
}
