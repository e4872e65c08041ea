// @ts-nocheck: AssemblyScript, which has types of its own
// deno-lint-ignore-file verbatim-module-syntax

// The matches of a search: each has a pattern's id and a text offset, in the
// order of the offsets. At the end of a piece, the text offsets become raw
// offsets.

import { Text } from "./text.ts";
import { newVector, Vector, zeroed } from "./vector.ts";

@unmanaged
export class Events {
  /** The list to which events are added now. */
  private list: Vector;
  private first: Vector;
  /**
   * The lists of the other three of four parts of a text that are searched side
   * by side.
   */
  private second: Vector;
  private third: Vector;
  private fourth: Vector;

  get count(): u32 {
    return this.first.length >> 1;
  }

  get address(): usize {
    return this.first.address;
  }

  add(id: u32, offset: u32): void {
    const list = this.list;
    list.push(id);
    list.push(offset);
  }

  /** Adds the next events to the list of a part. */
  choosePart(part: u32): void {
    this.list = part == 0
      ? this.first
      : part == 1
      ? this.second
      : part == 2
      ? this.third
      : this.fourth;
  }

  /** Joins the lists of the parts. */
  joinParts(): void {
    this.list = this.first;
    this.append(this.second);
    this.append(this.third);
    this.append(this.fourth);
  }

  private append(part: Vector): void {
    const first = this.first;
    for (let i: u32 = 0; i < part.length; i++) first.push(part.get(i));
    part.clear(4096);
  }

  clear(): void {
    this.first.clear(4096);
  }

  /**
   * Turns the offsets in a text into offsets in the piece. Offset 0 is the end
   * of the last visible character before the piece.
   */
  makeRaw(text: Text, visibleEnd: i32): void {
    const first = this.first;
    text.rewind();
    for (let i: u32 = 1; i < first.length; i += 2) {
      const offset = first.get(i);
      first.set(
        i,
        offset == 0 ? <u32> visibleEnd : <u32> text.rawOffset(offset),
      );
    }
  }

  release(): void {
    this.first.release();
    this.second.release();
    this.third.release();
    this.fourth.release();
    heap.free(changetype<usize>(this));
  }

  @inline
  begin(): void {
    this.first = newVector();
    this.second = newVector();
    this.third = newVector();
    this.fourth = newVector();
    this.list = this.first;
  }
}

export function newEvents(): Events {
  const events = changetype<Events>(zeroed(offsetof<Events>()));
  events.begin();
  return events;
}
