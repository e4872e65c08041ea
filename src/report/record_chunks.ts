import type { ChunkId, RecordPlace } from "./page_format.ts";
import type { Keep } from "./line_stream.ts";

/** Records of a page, many in one chunk, since each alone is small. */
export class RecordChunks {
  readonly #keep: Keep;
  readonly #size: number;
  readonly #chunks: ChunkId[] = [];
  /** The records of the chunk that is not full yet, as JSON. */
  #open: string[] = [];
  #openSize = 0;

  /**
   * @param keep Keeps a chunk that is full.
   * @param size Characters of records after which a chunk is full.
   */
  constructor(keep: Keep, size: number) {
    this.#keep = keep;
    this.#size = size;
  }

  /**
   * Keeps a record.
   *
   * @returns Its place. The number of its chunk counts those of records alone.
   */
  add(record: unknown): RecordPlace {
    const text = JSON.stringify(record);
    const place: RecordPlace = [this.#chunks.length, this.#open.length];
    this.#open.push(text);
    this.#openSize += text.length;
    if (this.#openSize >= this.#size) {
      this.#chunks.push(this.#keep([recordText(this.#open)]));
      this.#open = [];
      this.#openSize = 0;
    }
    return place;
  }

  /**
   * All chunks, in the order of their numbers.
   *
   * @param keep Keeps the one that is not full yet, as it is now.
   */
  withOpen(keep: Keep): readonly ChunkId[] {
    return this.#open.length === 0
      ? this.#chunks
      : [...this.#chunks, keep([recordText(this.#open)])];
  }
}

/** Records as a chunk: a line of JSON each. */
function recordText(records: readonly string[]): string {
  return records.join("\n");
}
