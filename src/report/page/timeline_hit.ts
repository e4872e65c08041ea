import type { PageMark, PageShot } from "../page_format.ts";
import {
  clock,
  type Filter,
  isShown,
  type Model,
  seconds,
  type Step,
} from "./model.ts";
import { type Place, ROW, type View } from "./timeline_layout.ts";

/** What is under the pointer. */
export interface Hit {
  readonly step?: Step;
  readonly shot?: PageShot;
  readonly mark?: PageMark;
  readonly text?: string;
}

/** Finds what is at a point of the timeline. */
export function hit(
  places: readonly Place[],
  model: Model,
  view: View,
  width: number,
  filter: Filter,
  x: number,
  y: number,
): Hit | undefined {
  const place = places.find(({ top, height }) => y >= top && y < top + height);
  if (place === undefined) return undefined;
  const { lane, bars } = place;
  const scale = (view.to - view.from) / width;
  const time = view.from + x * scale;
  const near = 5 * scale;
  if (y < bars) {
    const mark = model.run.marks.filter(({ machine }) =>
      machine === lane.machine
    ).find((mark) => Math.abs(mark.time - time) <= near * 1.4);
    if (mark !== undefined) return { mark };
    const interval = model.run.intervals.find((one) =>
      one.machine === lane.machine && one.time <= time &&
      (one.end < 0 ? model.run.time : one.end) >= time
    );
    return interval && { text: `${interval.kind}: ${interval.text}` };
  }
  const row = Math.floor((y - bars) / ROW);
  if (row >= lane.rows) {
    const shot = lane.shots.filter(({ image, time: at }) =>
      image >= 0 && at <= time
    ).at(-1) ?? lane.shots.find(({ image }) =>
      image >= 0
    );
    return shot && { shot };
  }
  let best: Step | undefined;
  let distance = Infinity;
  for (const step of lane.steps) {
    if (step.row !== row || !isShown(step, filter)) continue;
    const away = time < step.began
      ? step.began - time
      : time > step.ended
      ? time - step.ended
      : 0;
    if (away < distance && away <= near) {
      best = step;
      distance = away;
    }
  }
  return best && { step: best };
}

/** What a person is told of it. */
export function described(model: Model, found: Hit): string | undefined {
  const { step, shot, mark, text } = found;
  if (step !== undefined) {
    const lines = [
      step.text,
      `${step.state}, ${seconds(step.ended - step.began)}, from ${
        clock(step.began)
      } s`,
    ];
    const error = model.run.errors[step.error];
    if (error !== undefined) lines.push(error.title);
    return lines.join("\n");
  }
  if (shot !== undefined) return `screen at ${clock(shot.time)} s`;
  if (mark !== undefined) {
    const more = mark.text === undefined ? "" : `: ${mark.text}`;
    return `${mark.kind}${more} at ${clock(mark.time)} s`;
  }
  return text;
}
