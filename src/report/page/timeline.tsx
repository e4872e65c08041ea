import {
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "preact/hooks";
import { type PageMark, type PageShot, TICKS } from "../page_format.ts";
import type { Chunks } from "./chunks.ts";
import {
  clock,
  type Filter,
  isShown,
  type Lane,
  type Model,
  seconds,
  type Step,
} from "./model.ts";
import { type Colours, useColours } from "./colours.ts";

const ROW = 18;
const BAR = 15;
const AXIS = 24;
const MARKS = 16;
const STRIP = 44;
const GAP = 8;

/** What the timeline shows. */
export interface TimelineProps {
  readonly model: Model;
  readonly data: Chunks;
  readonly filter: Filter;
  readonly selected: Step | undefined;
  readonly theme: string;
  readonly onSelect: (step: Step, open?: boolean) => void;
  readonly onShot: (shot: PageShot) => void;
  readonly onMachine: (machine: number) => void;
}

interface View {
  readonly from: number;
  readonly to: number;
}

interface Place {
  readonly lane: Lane;
  readonly top: number;
  /** Where bars begin. */
  readonly bars: number;
  readonly strip: number;
  readonly height: number;
}

/** Steps, marks, faults and screens by time: a lane for the script and one for each machine. */
export function Timeline(props: TimelineProps) {
  const { model, data, filter, selected, theme } = props;
  const end = Math.max(1, model.run.time);
  const whole = { from: -end * 0.01, to: end * 1.02 };
  const [view, setView] = useState<View>(whole);
  const [width, setWidth] = useState(0);
  const [tip, setTip] = useState<{ x: number; y: number; text: string }>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const holder = useRef<HTMLDivElement>(null);
  const colours = useColours(theme);
  const images = useImages(model, data);
  const places = useMemo(
    () => placesOf(model.lanes.filter((l) => !filter.hidden.has(l.machine))),
    [model, filter],
  );
  const height = (places.at(-1)?.top ?? AXIS) +
    (places.at(-1)?.height ?? 0);

  // A run that goes on grows, unless somebody looks closer.
  const before = useRef(end);
  useEffect(() => {
    if (before.current === end) return;
    const was = before.current;
    before.current = end;
    if (view.to >= was * 1.02 - 1) setView({ ...view, to: end * 1.02 });
  }, [end]);

  useLayoutEffect(() => {
    const observer = new ResizeObserver(([{ contentRect }]) =>
      setWidth(contentRect.width)
    );
    observer.observe(holder.current!);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (canvas.current === null || width === 0) return;
    draw(canvas.current, {
      model,
      places,
      view,
      width,
      height,
      filter,
      selected,
      colours,
      images,
    });
  });

  const clamp = (from: number, to: number): View => {
    const least = Math.max(20, end / 1e6);
    const span = Math.min(whole.to - whole.from, Math.max(least, to - from));
    const middle = (from + to) / 2;
    const start = Math.max(
      whole.from,
      Math.min(whole.to - span, middle - span / 2),
    );
    return { from: start, to: start + span };
  };
  const zoom = (factor: number, at = (view.from + view.to) / 2) =>
    setView((now) =>
      clamp(at - (at - now.from) * factor, at + (now.to - at) * factor)
    );
  const pan = (share: number) =>
    setView((now) => {
      const by = (now.to - now.from) * share;
      return clamp(now.from + by, now.to + by);
    });
  const timeAt = (x: number) => view.from + x / width * (view.to - view.from);

  // Listeners of these must be able to keep the page from scrolling.
  const handlers = useRef({ zoom, pan, timeAt, width });
  handlers.current = { zoom, pan, timeAt, width };
  useEffect(() => {
    const element = canvas.current!;
    const wheel = (event: WheelEvent) => {
      const { zoom, pan, timeAt, width } = handlers.current;
      const isAcross = Math.abs(event.deltaX) > Math.abs(event.deltaY);
      const box = holder.current!;
      const scrolls = box.scrollHeight > box.clientHeight + 1;
      if (isAcross || event.shiftKey) {
        pan((isAcross ? event.deltaX : event.deltaY) / width);
      } else if (!scrolls || event.ctrlKey || event.metaKey) {
        const x = event.clientX - element.getBoundingClientRect().left;
        zoom(
          Math.exp(Math.max(-100, Math.min(100, event.deltaY)) * 0.004),
          timeAt(x),
        );
      } else return;
      event.preventDefault();
    };
    element.addEventListener("wheel", wheel, { passive: false });
    return () => element.removeEventListener("wheel", wheel);
  }, []);

  const pointers = useRef(new Map<number, { x: number; y: number }>());
  const moved = useRef(0);
  const down = (event: PointerEvent) => {
    if (event.button !== 0) return;
    pointers.current.set(event.pointerId, {
      x: event.clientX,
      y: event.clientY,
    });
    if (pointers.current.size === 1) moved.current = 0;
    canvas.current!.setPointerCapture(event.pointerId);
  };
  const move = (event: PointerEvent) => {
    const box = canvas.current!.getBoundingClientRect();
    const known = pointers.current.get(event.pointerId);
    if (known === undefined) {
      if (event.pointerType !== "mouse") return;
      const x = event.clientX - box.left;
      const y = event.clientY - box.top;
      const found = hit(places, model, view, width, filter, x, y);
      const text = found && described(model, found);
      setTip(text === undefined ? undefined : { x, y, text });
      return;
    }
    setTip(undefined);
    const now = { x: event.clientX, y: event.clientY };
    const others = [...pointers.current].filter(([id]) =>
      id !== event.pointerId
    ).map(([, point]) => point);
    moved.current += Math.abs(now.x - known.x) + Math.abs(now.y - known.y);
    if (others.length === 0) {
      if (moved.current > 4) {
        pan((known.x - now.x) / width);
        holder.current!.scrollTop += known.y - now.y;
      }
    } else {
      const [other] = others;
      const was = Math.max(10, Math.abs(known.x - other.x));
      const is = Math.max(10, Math.abs(now.x - other.x));
      zoom(was / is, timeAt((now.x + other.x) / 2 - box.left));
    }
    pointers.current.set(event.pointerId, now);
  };
  const up = (event: PointerEvent) => {
    if (!pointers.current.delete(event.pointerId)) return;
    if (moved.current > 4 || event.type === "pointercancel") return;
    const box = canvas.current!.getBoundingClientRect();
    const found = hit(
      places,
      model,
      view,
      width,
      filter,
      event.clientX - box.left,
      event.clientY - box.top,
    );
    if (found?.step !== undefined) props.onSelect(found.step, true);
    else if (found?.shot !== undefined) props.onShot(found.shot);
  };

  const show = ({ began, ended }: Step) => {
    const span = view.to - view.from;
    if (began >= view.from && ended <= view.to && ended - began > span / 300) {
      return;
    }
    const wanted = Math.max((ended - began) * 3, end / 5000);
    const middle = (began + ended) / 2;
    setView(clamp(middle - wanted / 2, middle + wanted / 2));
  };
  const key = (event: KeyboardEvent) => {
    const go = (by: number) => {
      const steps = model.steps.filter((step) => isShown(step, filter));
      const now = selected === undefined ? -1 : steps.indexOf(selected);
      const next = steps[Math.max(0, Math.min(steps.length - 1, now + by))];
      if (next !== undefined) props.onSelect(next);
    };
    switch (event.key) {
      case "ArrowLeft":
        pan(-0.1);
        break;
      case "ArrowRight":
        pan(0.1);
        break;
      case "ArrowDown":
        go(1);
        break;
      case "ArrowUp":
        go(-1);
        break;
      case "+":
      case "=":
        zoom(0.7, selected && (selected.began + selected.ended) / 2);
        break;
      case "-":
        zoom(1 / 0.7);
        break;
      case "0":
      case "Home":
        setView(whole);
        break;
      case "z":
        if (selected !== undefined) show(selected);
        break;
      case "Enter":
        if (selected !== undefined) props.onSelect(selected, true);
        break;
      default:
        return;
    }
    event.preventDefault();
  };
  const span = (view.to - view.from) / (whole.to - whole.from);
  return (
    <section
      class="timeline"
      aria-label="Timeline"
      data-from={Math.round(view.from)}
      data-to={Math.round(view.to)}
    >
      <div class="zooms">
        <button type="button" onClick={() => zoom(0.6)} title="Zoom in (+)">
          <span aria-hidden="true">＋</span>
          <span class="unseen">zoom in</span>
        </button>
        <button
          type="button"
          onClick={() => zoom(1 / 0.6)}
          title="Zoom out (-)"
        >
          <span aria-hidden="true">－</span>
          <span class="unseen">zoom out</span>
        </button>
        <button
          type="button"
          disabled={span > 0.999}
          onClick={() => setView(whole)}
          title="The whole run (0)"
        >
          all
        </button>
        <button
          type="button"
          disabled={selected === undefined}
          onClick={() => selected && show(selected)}
          title="The chosen step (z)"
        >
          step
        </button>
      </div>
      <div class="lanes">
        <div class="names" style={{ height: `${height}px` }}>
          {places.map(({ lane, top, height }) => (
            <div
              key={lane.machine}
              class="name"
              style={{ top: `${top}px`, height: `${height}px` }}
            >
              {lane.machine < 0 ? <span>script</span> : (
                <button
                  type="button"
                  title={`Console of ${lane.name}`}
                  onClick={() => props.onMachine(lane.machine)}
                >
                  <bdi>{lane.name}</bdi>
                </button>
              )}
              {parentOf(model, lane) !== undefined && (
                <small>from {parentOf(model, lane)}</small>
              )}
            </div>
          ))}
        </div>
        <div
          class="canvas"
          ref={holder}
          role="application"
          aria-roledescription="timeline"
          tabIndex={0}
          aria-label="Arrow keys left and right pan, up and down choose a step, plus and minus zoom, 0 shows all"
          onKeyDown={key}
        >
          <canvas
            ref={canvas}
            aria-hidden="true"
            style={{ width: "100%", height: `${height}px` }}
            onPointerDown={down}
            onPointerMove={move}
            onPointerUp={up}
            onPointerCancel={up}
            onPointerLeave={() => setTip(undefined)}
          />
          {tip !== undefined && (
            <div
              class="tip"
              style={{
                left: `${Math.min(tip.x + 12, Math.max(0, width - 330))}px`,
                top: `${tip.y + 14}px`,
              }}
            >
              {tip.text}
            </div>
          )}
        </div>
      </div>
      <p class="unseen" aria-live="polite">
        {selected &&
          `${selected.text}, ${selected.state}, ${
            seconds(selected.ended - selected.began)
          }`}
      </p>
    </section>
  );
}

function parentOf(model: Model, { machine }: Lane): string | undefined {
  return machine < 0 ? undefined : model.run.machines[machine].parent;
}

function placesOf(lanes: readonly Lane[]): Place[] {
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

/** Pictures that have been read, for the strip. */
function useImages(
  model: Model,
  data: Chunks,
): ReadonlyMap<number, ImageBitmap | HTMLImageElement> {
  const [images, setImages] = useState<ReadonlyMap<number, HTMLImageElement>>(
    new Map(),
  );
  useEffect(() => {
    let current = true;
    const read = new Map(images);
    const all = model.run.images.map(async (chunk, at) => {
      if (read.has(at)) return;
      const image = new Image();
      image.src = await data.image(chunk);
      await image.decode().catch(() => {});
      if (image.naturalWidth > 0) read.set(at, image);
    });
    Promise.all(all).then(() => {
      if (current && read.size > 0) setImages(read);
    });
    return () => {
      current = false;
    };
  }, [model.run.images.length]);
  return images;
}

interface Hit {
  readonly step?: Step;
  readonly shot?: PageShot;
  readonly mark?: PageMark;
  readonly text?: string;
}

function hit(
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

function described(model: Model, found: Hit): string | undefined {
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

interface Drawing {
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

function draw(canvas: HTMLCanvasElement, drawing: Drawing): void {
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

function colourOf(kind: PageMark["kind"], colours: Colours): string {
  switch (kind) {
    case "death":
      return colours.bad;
    case "ready":
      return colours.good;
    case "fault":
      return colours.fault;
    case "fork":
    case "snapshot":
    case "restore":
      return colours.fork;
    default:
      return colours.quiet;
  }
}

/** Draws a mark around a point, ten pixels wide. */
function drawSign(
  pen: CanvasRenderingContext2D,
  kind: PageMark["kind"],
  x: number,
  y: number,
): void {
  const line = (...points: [number, number][]) => {
    points.forEach(([dx, dy], i) =>
      i === 0 ? pen.moveTo(x + dx, y + dy) : pen.lineTo(x + dx, y + dy)
    );
  };
  switch (kind) {
    case "boot":
      line([-4, -5], [5, 0], [-4, 5]);
      return pen.fill();
    case "ready":
      pen.arc(x, y, 4, 0, 7);
      return pen.fill();
    case "reset":
      pen.arc(x, y, 4, 0.6, 5.6);
      pen.stroke();
      pen.beginPath();
      line([1, -6], [6, -3], [1, 0]);
      return pen.fill();
    case "death":
      line([-4, -4], [4, 4]);
      line([4, -4], [-4, 4]);
      return pen.stroke();
    case "end":
      return pen.fillRect(x - 4, y - 4, 8, 8);
    case "snapshot":
      line([0, -5], [5, 0], [0, 5], [-5, 0]);
      return pen.fill();
    case "restore":
      line([0, -5], [5, 0], [0, 5], [-5, 0], [0, -5]);
      return pen.stroke();
    case "fork":
      line([0, 5], [0, 0], [-4, -5]);
      line([0, 0], [4, -5]);
      return pen.stroke();
    case "fault":
      line([2, -6], [-4, 1], [0, 1], [-2, 6], [4, -1], [0, -1]);
      return pen.fill();
    case "note":
      pen.arc(x, y, 3.5, 0, 7);
      return pen.stroke();
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
