import {
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "preact/hooks";
import type { PageShot } from "../page_format.ts";
import type { Chunks } from "./chunks.ts";
import { useColours } from "./colours.ts";
import {
  type Filter,
  isShown,
  type Lane,
  type Model,
  seconds,
  type Step,
} from "./model.ts";
import { draw } from "./timeline_drawing.ts";
import { described, hit } from "./timeline_hit.ts";
import { AXIS, placesOf, type View } from "./timeline_layout.ts";

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
          <span aria-hidden="true">+</span>
          <span class="unseen">zoom in</span>
        </button>
        <button
          type="button"
          onClick={() => zoom(1 / 0.6)}
          title="Zoom out (-)"
        >
          <span aria-hidden="true">−</span>
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
