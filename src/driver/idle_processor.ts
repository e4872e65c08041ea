/**
 * Whether a processor of the host has nothing to do at this moment.
 *
 * @param begun How many more programs are about to run.
 */
export function hasIdleProcessor(begun: number): boolean {
  const [, running] = /^(?:\S+ ){3}(\d+)\//.exec(
    Deno.readTextFileSync("/proc/loadavg"),
  ) ?? [];
  // This program is among them, and waits in a moment.
  return Number(running) - 1 + begun < navigator.hardwareConcurrency;
}
