import { TICKS } from "../page_format.ts";
import type { Colours } from "./colours.ts";
import { type Filter, isShown, type Model, type Step } from "./model.ts";
import {
  AXIS,
  BAR,
  GAP,
  MARKS,
  type Place,
  ROW,
  STRIP,
  type View,
} from "./timeline_layout.ts";
import { colourOf, drawSign } from "./timeline_signs.ts";

/** What is drawn. */
export interface Drawing {
  readonly model: Model;
  readonly places: readonly Place[];
  readonly view: View;
  readonly width: number;
  readonly height: number;
  readonly filter: Filter;
  readonly selected: Step | undefined;
  readonly colours: Colours;
  readonly images: ReadonlyMap<number, CanvasImageSource>;
}

/** Draws the timeline. */
export function draw(canvas: HTMLCanvasElement, drawing: Drawing): void {
  const { width, height, places, view, colours } = drawing;
  const ratio = globalThis.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  const pen = canvas.getContext("2d")!;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  const scale = width / (view.to - view.from);
  const xOf = (time: number) => (time - view.from) * scale;
  drawAxis(pen, drawing, xOf);
  pen.font = "11px system-ui, sans-serif";
  pen.textBaseline = "middle";
  for (const place of places) {
    pen.fillStyle = colours.edge;
    pen.fillRect(0, place.top - GAP / 2, width, 1);
    drawIntervals(pen, drawing, place, xOf);
    drawBars(pen, drawing, place, xOf);
    drawMarks(pen, drawing, place, xOf);
    if (place.strip > 0) drawStrip(pen, drawing, place, xOf);
  }
}

function drawAxis(
  pen: CanvasRenderingContext2D,
  { view, width, height, colours }: Drawing,
  xOf: (time: number) => number,
): void {
  const step = niceStep(
    (view.to - view.from) / TICKS / Math.max(2, width / 90),
  );
  pen.font = "11px system-ui, sans-serif";
  pen.textBaseline = "middle";
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const first = Math.max(0, Math.ceil(view.from / TICKS / step) * step);
  for (let at = first; at * TICKS <= view.to; at += step) {
    const x = Math.round(xOf(at * TICKS));
    pen.fillStyle = colours.grid;
    pen.fillRect(x, AXIS - 6, 1, height);
    pen.fillStyle = colours.quiet;
    pen.fillText(`${at.toFixed(digits)} s`, x + 4, AXIS / 2 - 1);
  }
}

/** 1, 2 or 5 times a power of ten. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5, 10].find((one) => one * power >= least) ?? 10;
  return factor * power;
}

function drawBars(
  pen: CanvasRenderingContext2D,
  { width, filter, selected, colours, view }: Drawing,
  { lane, bars }: Place,
  xOf: (time: number) => number,
): void {
  // Bars that share a pixel are drawn once, those that failed always.
  const drawn = new Float64Array(lane.rows).fill(-1);
  for (const step of lane.steps) {
    if (step.ended < view.from || step.began > view.to) continue;
    if (step.kind === "script") continue;
    const x = Math.max(-2, xOf(step.began));
    const right = Math.min(width + 2, xOf(step.ended));
    const isChosen = step === selected;
    if (right <= drawn[step.row] && step.state === "passed" && !isChosen) {
      continue;
    }
    drawn[step.row] = Math.max(drawn[step.row], Math.max(right, x + 0.7));
    const wide = Math.max(1.5, right - x - 0.5);
    const y = bars + step.row * ROW;
    pen.globalAlpha = isShown(step, filter) ? 1 : 0.2;
    pen.fillStyle = step.state === "failed"
      ? colours.failed
      : step.state === "unfinished"
      ? colours.unfinished
      : colours[step.kind];
    if (wide > 4) {
      pen.beginPath();
      pen.roundRect(x, y, wide, BAR, 3);
      pen.fill();
    } else pen.fillRect(x, y, wide, BAR);
    if (isChosen) {
      pen.globalAlpha = 1;
      pen.strokeStyle = colours.text;
      pen.lineWidth = 2;
      pen.strokeRect(x - 1, y - 1, Math.max(3, wide) + 2, BAR + 2);
    }
    if (wide > 28) {
      pen.save();
      pen.beginPath();
      pen.rect(x, y, wide - 3, BAR);
      pen.clip();
      pen.fillStyle = step.state === "failed" ? "#fff" : colours.onBar;
      pen.fillText(step.text.slice(0, 200), x + 5, y + BAR / 2 + 0.5);
      pen.restore();
    }
  }
  pen.globalAlpha = 1;
}

function drawIntervals(
  pen: CanvasRenderingContext2D,
  { model, colours, width }: Drawing,
  { lane, top, height }: Place,
  xOf: (time: number) => number,
): void {
  for (const one of model.run.intervals) {
    if (one.machine !== lane.machine) continue;
    const x = Math.max(0, xOf(one.time));
    const right = Math.min(width, xOf(one.end < 0 ? model.run.time : one.end));
    if (right < 0 || x > width) continue;
    pen.fillStyle = one.kind === "fork" ? colours.forkBand : colours.faultBand;
    pen.fillRect(x, top - GAP / 2 + 1, Math.max(1, right - x), height - 1);
    pen.fillStyle = one.kind === "fork" ? colours.fork : colours.fault;
    pen.fillRect(x, top - GAP / 2 + 1, Math.max(1, right - x), 2);
    if (right - x > 40) {
      pen.save();
      pen.beginPath();
      pen.rect(x, top - GAP / 2, right - x, MARKS + 4);
      pen.clip();
      pen.fillText(`${one.kind}: ${one.text}`, x + 14, top + 6);
      pen.restore();
    }
  }
}

function drawMarks(
  pen: CanvasRenderingContext2D,
  { model, colours, width }: Drawing,
  { lane, top }: Place,
  xOf: (time: number) => number,
): void {
  let free = -Infinity;
  for (const { time, kind, machine } of model.run.marks) {
    if (machine !== lane.machine) continue;
    const at = xOf(time);
    if (at < -10 || at > width + 10) continue;
    // Those of the same moment stand side by side.
    const x = Math.max(6, Math.min(width - 6, at), Math.min(free, at + 26));
    free = x + 12;
    const colour = colourOf(kind, colours);
    pen.fillStyle = pen.strokeStyle = colour;
    pen.lineWidth = 1.6;
    pen.beginPath();
    drawSign(pen, kind, x, top + 6);
  }
}

function drawStrip(
  pen: CanvasRenderingContext2D,
  { images, width, colours }: Drawing,
  { lane, bars }: Place,
  xOf: (time: number) => number,
): void {
  const y = bars + lane.rows * ROW + 2;
  const h = STRIP - 6;
  let free = -Infinity;
  for (const { time, image } of lane.shots) {
    const picture = images.get(image) as HTMLImageElement | undefined;
    if (picture === undefined) continue;
    const x = xOf(time);
    const w = Math.min(90, h * picture.naturalWidth / picture.naturalHeight);
    if (x > width || x + w < 0) continue;
    pen.fillStyle = colours.shot;
    pen.fillRect(x - 0.5, y - 2, 1.5, h + 2);
    if (x < free) continue;
    const left = Math.min(x + 2, width - w - 1);
    pen.drawImage(picture, left, y, w, h);
    pen.strokeStyle = colours.edge;
    pen.lineWidth = 1;
    pen.strokeRect(left - 0.5, y - 0.5, w + 1, h + 1);
    free = left + w + 4;
  }
}
