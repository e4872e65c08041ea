/**
 * The only instance of the byte scanner. Addresses in its memory are handles:
 * who allocates memory there frees it.
 */
import * as wasm from "../../wasm/scanner.wasm";
import { frequencies } from "./frequencies.ts";

export { wasm };

/** How many bytes the input address has room for. */
export const pieceSize = 65536;

const input = wasm.inputAddress();
let memory = new Uint8Array(wasm.memory.buffer);
let words = new Uint32Array(wasm.memory.buffer);
new Float32Array(wasm.memory.buffer, wasm.frequencyAddress(), 256)
  .set(frequencies);

// When the memory grows, all views of it become invalid.
function refresh(): void {
  if (memory.buffer !== wasm.memory.buffer) {
    memory = new Uint8Array(wasm.memory.buffer);
    words = new Uint32Array(wasm.memory.buffer);
  }
}

/** Bytes of the scanner's memory, valid until its next call. */
export function bytesAt(address: number, length: number): Uint8Array {
  refresh();
  return memory.subarray(address, address + length);
}

/** Words of the scanner's memory, valid until its next call. */
export function wordsAt(address: number, length: number): Uint32Array {
  refresh();
  return words.subarray(address >>> 2, (address >>> 2) + length);
}

/** Copies bytes to where the scanner reads its input. */
export function writeInput(piece: Uint8Array): void {
  refresh();
  memory.set(piece, input);
}

/** Copies words into memory that the scanner will own. */
export function store(source: Uint32Array): number {
  const address = wasm.allocate(source.byteLength);
  refresh();
  words.set(source, address >>> 2);
  return address;
}

/** Copies bytes into memory that the caller has to free. */
export function storeBytes(source: Uint8Array): number {
  const address = wasm.allocate(source.length);
  refresh();
  memory.set(source, address);
  return address;
}

/** Cuts a chunk into pieces that the scanner takes at once. */
export function* pieces(chunk: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < chunk.length; at += pieceSize) {
    yield chunk.subarray(at, at + pieceSize);
  }
}
