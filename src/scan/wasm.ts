/**
 * The one instance of the byte scanner. Addresses in its memory are handles:
 * what is allocated there is freed there.
 */
import * as wasm from "../../wasm/scanner.wasm";
import { frequencies } from "./frequencies.ts";

export { wasm };

/** The most bytes that may stand at the input address. */
export const pieceSize = 65536;

const input = wasm.inputAddress();
let memory = new Uint8Array(wasm.memory.buffer);
let words = new Uint32Array(wasm.memory.buffer);
new Float32Array(wasm.memory.buffer, wasm.frequencyAddress(), 256)
  .set(frequencies);

// A view of the memory is lost whenever the memory grows.
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

/** Puts bytes where the scanner reads its input. */
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

/** Copies bytes into memory that whoever asked for it frees. */
export function storeBytes(source: Uint8Array): number {
  const address = wasm.allocate(source.length);
  refresh();
  memory.set(source, address);
  return address;
}

/** Cuts a chunk into what the scanner takes at once. */
export function* pieces(chunk: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < chunk.length; at += pieceSize) {
    yield chunk.subarray(at, at + pieceSize);
  }
}
