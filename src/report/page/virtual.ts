import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
} from "@tanstack/virtual-core";
import { type RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/**
 * Shows of many rows those that are in sight.
 *
 * @param scroller The element that scrolls.
 * @param count How many rows there are.
 * @param sizeOf The height of a row.
 */
export function useVirtual(
  scroller: RefObject<HTMLElement | null>,
  count: number,
  sizeOf: (row: number) => number,
): Virtualizer<HTMLElement, HTMLElement> {
  const [, redraw] = useState({});
  const options = {
    count,
    estimateSize: sizeOf,
    getScrollElement: () => scroller.current,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    overscan: 4,
    onChange: () => redraw({}),
  };
  const [virtualizer] = useState(() =>
    new Virtualizer<HTMLElement, HTMLElement>(options)
  );
  virtualizer.setOptions(options);
  useLayoutEffect(() => virtualizer._didMount(), []);
  useLayoutEffect(() => virtualizer._willUpdate());
  return virtualizer;
}
