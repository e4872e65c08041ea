import type { ChunkId, LineChunk } from "./page_format.ts";

/** Chunks of lines that fit, and how much of them does not. */
export interface Fitting {
  /** The first and the last ones. */
  readonly chunks: LineChunk[];
  /** Those between them, which do not fit. */
  readonly left: readonly ChunkId[];
  /** How many lines those have; nothing if all chunks fit. */
  readonly omitted?: number;
}

/**
 * Chooses the chunks of lines that fit. A machine's first and last lines are
 * kept, because they tell most.
 *
 * @param size Bytes of a chunk.
 * @param budget Bytes that they may have together.
 */
export function fitting(
  chunks: LineChunk[],
  size: (chunk: ChunkId) => number,
  budget: number,
): Fitting {
  let total = 0;
  for (const { chunk } of chunks) total += size(chunk);
  if (total <= budget) return { chunks, left: [] };
  let head = 0;
  for (let used = 0; used < budget / 2; head++) {
    used += size(chunks[head].chunk);
  }
  let tail = chunks.length;
  for (let used = 0; used < budget / 2;) used += size(chunks[--tail].chunk);
  const left = chunks.slice(head, tail);
  return {
    chunks: [...chunks.slice(0, head), ...chunks.slice(tail)],
    left: left.map(({ chunk }) => chunk),
    omitted: left.reduce((sum, { count }) => sum + count, 0),
  };
}
