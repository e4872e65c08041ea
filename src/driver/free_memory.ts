/** Bytes of free memory that are left to the host. */
const RESERVE = 512 * 1024 * 1024;
/** The part of the free memory that is left, if that is more. */
const RESERVED_PART = 0.1;

/** Bytes of memory that guests may take at this moment. */
export function freeMemory(): number {
  const { available, total } = Deno.systemMemoryInfo();
  return available - Math.max(RESERVE, RESERVED_PART * total);
}
