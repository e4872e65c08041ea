// @ts-nocheck: AssemblyScript, which has types of its own

// Memory that grows. The scanner lays out all memory by hand: records are
// unmanaged classes over addresses, so it needs no collector.

/** A growable array of 32-bit words. */
@unmanaged
export class Vector {
  address: usize;
  length: u32;
  capacity: u32;

  @inline
  get(index: u32): u32 {
    return load<u32>(this.address + ((<usize> index) << 2));
  }

  @inline
  set(index: u32, value: u32): void {
    store<u32>(this.address + ((<usize> index) << 2), value);
  }

  @inline
  push(value: u32): void {
    if (this.length == this.capacity) this.reserve(this.length + 1);
    store<u32>(this.address + ((<usize> this.length) << 2), value);
    this.length++;
  }

  @inline
  pop(): u32 {
    this.length--;
    return load<u32>(this.address + ((<usize> this.length) << 2));
  }

  /** Copies `length` words. */
  assign(from: usize, length: u32): void {
    this.reserve(length);
    this.length = length;
    copyWords(from, this.address, length);
  }

  copyTo(to: usize): void {
    copyWords(this.address, to, this.length);
  }

  /** Whether the words at `address` equal those of the vector. */
  equals(address: usize): bool {
    const end = address + ((<usize> this.length) << 2);
    let at = this.address;
    for (; address < end; address += 4, at += 4) {
      if (load<u32>(address) != load<u32>(at)) return false;
    }
    return true;
  }

  reserve(length: u32): void {
    if (length <= this.capacity) return;
    let capacity = max<u32>(this.capacity << 1, 16);
    while (capacity < length) capacity <<= 1;
    this.address = this.address == 0
      ? heap.alloc((<usize> capacity) << 2)
      : heap.realloc(this.address, (<usize> capacity) << 2);
    this.capacity = capacity;
  }

  /**
   * Empties the vector, and frees its memory if it has grown beyond `keep`
   * words.
   */
  clear(keep: u32): void {
    this.length = 0;
    if (this.capacity > keep) {
      heap.free(this.address);
      this.address = 0;
      this.capacity = 0;
    }
  }

  release(): void {
    if (this.address != 0) heap.free(this.address);
    heap.free(changetype<usize>(this));
  }
}

/** Most copies are so short that a loop is faster than `memory.copy`. */
function copyWords(from: usize, to: usize, count: u32): void {
  const end = from + ((<usize> count) << 2);
  while (from < end) {
    store<u32>(to, load<u32>(from));
    from += 4;
    to += 4;
  }
}

export function newVector(): Vector {
  return changetype<Vector>(zeroed(offsetof<Vector>()));
}

export function zeroed(size: usize): usize {
  const address = heap.alloc(size);
  memory.fill(address, 0, size);
  return address;
}
