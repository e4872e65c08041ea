/**
 * How often each byte occurs in the logs of machines, in thousandths. It
 * decides which bytes the scanner looks for first, never what it finds.
 */
export const frequencies: Readonly<Float64Array> = new Float64Array(256)
  .fill(0.4).fill(0.1, 0, 32);

for (
  const [characters, frequency] of [
    ["\n", 17],
    ["\r", 1],
    [" ", 130],
    ["0", 32],
    ["123456789", 13],
    ["e", 55],
    ["tiaonrs", 42],
    ["dlc", 28],
    ["mpufghb", 16],
    ["vwyx", 9],
    ["k", 8],
    ["qjz", 1.5],
    ["ABCDEFGHIJKLMNOPQRSTUVWXYZ", 3],
    [".:", 23],
    ["[]-/=", 11],
    ["_,()", 6],
  ] as const
) {
  for (const character of characters) {
    (frequencies as Float64Array)[character.charCodeAt(0)] = frequency;
  }
}
