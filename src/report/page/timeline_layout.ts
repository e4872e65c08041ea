import type { Lane } from "./model.ts";

/** Pixels from a row of bars to the next. */
export const ROW = 18;
/** The height of a bar, in pixels. */
export const BAR = 15;
/** The height of the axis. */
export const AXIS = 24;
/** The height of the marks of a lane. */
export const MARKS = 16;
/** The height of a strip of pictures. */
export const STRIP = 44;
/** Pixels between two lanes. */
export const GAP = 8;

/** The part of the run that is shown. */
export interface View {
  readonly from: number;
  readonly to: number;
}

/** Where a lane is, in pixels. */
export interface Place {
  readonly lane: Lane;
  readonly top: number;
  /** Where bars begin. */
  readonly bars: number;
  readonly strip: number;
  readonly height: number;
}

/** Where the lanes are, one below the other. */
export function placesOf(lanes: readonly Lane[]): Place[] {
  let top = AXIS;
  return lanes.map((lane) => {
    const strip = lane.shots.some(({ image }) => image >= 0) ? STRIP : 0;
    const bars = top + (lane.machine < 0 ? 2 : MARKS);
    const height = bars - top + lane.rows * ROW + strip + GAP;
    const place = { lane, top, bars, strip, height };
    top += height;
    return place;
  });
}
