/** Where a step stands among the others. */
export interface Place {
  /** Number of steps that enclose it. */
  readonly depth: number;
  /** Steps of different lanes run at the same time. Counted from 1. */
  readonly lane: number;
  /** The step that encloses it. */
  readonly parent: number | undefined;
}

/**
 * Tells steps that run at the same time apart. A step runs in the lane of the
 * one that encloses it, unless another is busy there.
 */
export class Lanes {
  readonly #open = new Map<number, Place>();

  begin(id: number, parent: number | undefined): Place {
    const enclosing = this.#ancestors(parent);
    const above = parent === undefined ? undefined : this.#open.get(parent);
    const busy = new Set<number>();
    for (const [other, place] of this.#open) {
      if (!enclosing.has(other)) busy.add(place.lane);
    }
    let lane = above?.lane ?? 1;
    if (busy.has(lane)) {
      const taken = new Set([...this.#open.values()].map((p) => p.lane));
      for (lane = 1; taken.has(lane);) lane++;
    }
    const place = {
      depth: above === undefined ? 0 : above.depth + 1,
      lane,
      parent,
    };
    this.#open.set(id, place);
    return place;
  }

  end(id: number): void {
    this.#open.delete(id);
  }

  get(id: number | undefined): Place | undefined {
    return id === undefined ? undefined : this.#open.get(id);
  }

  /** Whether steps run at the same time now. */
  get parallel(): boolean {
    let lane: number | undefined;
    for (const place of this.#open.values()) {
      if (lane !== undefined && lane !== place.lane) return true;
      lane = place.lane;
    }
    return false;
  }

  #ancestors(id: number | undefined): Set<number> {
    const found = new Set<number>();
    while (id !== undefined && !found.has(id)) {
      found.add(id);
      id = this.#open.get(id)?.parent;
    }
    return found;
  }
}
