const UNITS: Readonly<Record<string, number>> = {
  "": 20,
  k: 10,
  m: 20,
  g: 30,
  t: 40,
};

/**
 * Reads an amount of memory as QEMU's `-m` writes it.
 *
 * @param text A number of MiB, or one with the unit `K`, `M`, `G` or `T`.
 * @returns Bytes; nothing if the text is no such amount, or none above 0.
 */
export function parseSize(text: string): number | undefined {
  const [, number, unit] =
    /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim()) ?? [];
  if (number === undefined) return undefined;
  const bytes = Math.round(Number(number) * 2 ** UNITS[unit.toLowerCase()]);
  return bytes > 0 ? bytes : undefined;
}

/** Bytes as a person reads them. */
export function shownSize(bytes: number): string {
  const [unit, power] = bytes >= 2 ** 30 ? ["GiB", 30] : ["MiB", 20];
  const number = bytes / 2 ** (power as number);
  return `${
    number >= 100 || unit === "MiB" ? Math.ceil(number) : number.toFixed(1)
  } ${unit}`;
}
