/**
 * Draws numbers from 0 up to, but not including, 1; the same ones for the same
 * seed.
 */
export type Random = () => number;

/**
 * A source of numbers: the generator `sfc32`.
 *
 * @param seed The seed.
 */
export function random(seed: string): Random {
  // FNV-1a, which spreads a difference of one character.
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(seed)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  let a = 0x9e3779b9, b = 0x243f6a88, c = hash, counter = 1;
  const next = () => {
    const sum = (a + b + counter++) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  // The first numbers of similar seeds are still similar.
  for (let n = 0; n < 12; n++) next();
  return next;
}
