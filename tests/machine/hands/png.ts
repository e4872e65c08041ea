import { assertEquals } from "@std/assert";

/** The size of a PNG picture, whose chunks must all be whole. */
export function pngSize(bytes: Uint8Array): { width: number; height: number } {
  const text = (from: number, to: number) =>
    String.fromCharCode(...bytes.subarray(from, to));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  assertEquals(text(0, 8), "\x89PNG\r\n\x1a\n");
  const kinds: string[] = [];
  for (let at = 8; at < bytes.length;) {
    kinds.push(text(at + 4, at + 8));
    at += 12 + view.getUint32(at);
    assertEquals(at <= bytes.length, true);
  }
  assertEquals([kinds[0], kinds.at(-1)], ["IHDR", "IEND"]);
  assertEquals(kinds.includes("IDAT"), true);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}
