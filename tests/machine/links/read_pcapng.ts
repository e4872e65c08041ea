/** A frame of a capture. */
export interface CapturedFrame {
  interface: string;
  /** Since 1970. */
  microseconds: number;
  frame: Uint8Array;
  direction: "in" | "out" | undefined;
}

/** Reads a capture; throws if a block's two lengths differ. */
export function blocksOf(
  bytes: Uint8Array,
): { interfaces: string[]; packets: CapturedFrame[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const u32 = (at: number) => view.getUint32(at, true);
  const interfaces: string[] = [];
  const packets: CapturedFrame[] = [];
  for (let at = 0; at < bytes.length;) {
    const type = u32(at), length = u32(at + 4);
    if (length % 4 !== 0 || u32(at + length - 4) !== length) {
      throw new Error(`a block at ${at} has no right end`);
    }
    if (type === 1) {
      const options = optionsOf(bytes.subarray(at + 16, at + length - 4));
      interfaces.push(new TextDecoder().decode(options.get(2)));
    }
    if (type === 6) {
      const size = u32(at + 20);
      const end = at + 28 + Math.ceil(size / 4) * 4;
      const flags = optionsOf(bytes.subarray(end, at + length - 4)).get(2);
      packets.push({
        interface: interfaces[u32(at + 8)],
        microseconds: u32(at + 12) * 2 ** 32 + u32(at + 16),
        frame: bytes.slice(at + 28, at + 28 + size),
        direction: ([undefined, "in", "out"] as const)[flags?.[0] ?? 0],
      });
    }
    at += length;
  }
  return { interfaces, packets };
}

function optionsOf(bytes: Uint8Array): Map<number, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const options = new Map<number, Uint8Array>();
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = view.getUint16(at + 2, true);
    options.set(
      view.getUint16(at, true),
      bytes.slice(at + 4, at + 4 + length),
    );
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return options;
}
