import { useEffect, useRef } from "preact/hooks";
import type { PageShot } from "../page_format.ts";
import type { Chunks } from "./chunks.ts";
import { Picture, useRead } from "./detail.tsx";
import { clock, type Model } from "./model.ts";

/** Pictures that are listed at once. */
const most = 300;

/** All pictures of the machines' screens. */
export function Screens({ model, data, onShot }: {
  model: Model;
  data: Chunks;
  onShot: (shot: PageShot) => void;
}) {
  const shots = model.run.shots.filter(({ image }) => image >= 0);
  return (
    <div class="screens">
      {shots.slice(0, most).map((shot, i) => (
        <Picture
          key={i}
          name={`${i + 1}`}
          {...{ model, data, shot, onShot }}
        />
      ))}
    </div>
  );
}

/** One picture, as large as there is room for it. */
export function Large({ model, data, shot, onShot, onClose }: {
  model: Model;
  data: Chunks;
  shot: PageShot;
  onShot: (shot: PageShot) => void;
  onClose: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const chunk = model.run.images[shot.image];
  const url = useRead<string>(() => data.image(chunk), chunk);
  const own = model.run.shots.filter(({ machine, image }) =>
    machine === shot.machine && image >= 0
  );
  const at = own.indexOf(shot);
  useEffect(() => dialog.current?.showModal(), []);
  const name = `Screen of ${model.machineName(shot.machine)} at ${
    clock(shot.time)
  } s`;
  const go = (by: number) => {
    const next = own[at + by];
    if (next !== undefined) onShot(next);
  };
  return (
    <dialog
      ref={dialog}
      class="large"
      aria-label={name}
      onClose={onClose}
      onKeyDown={(event) => {
        if (event.key === "ArrowLeft") go(-1);
        if (event.key === "ArrowRight") go(1);
      }}
    >
      <form method="dialog" class="bar">
        <b>{name}</b>
        <button type="button" disabled={at <= 0} onClick={() => go(-1)}>
          earlier
        </button>
        <button
          type="button"
          disabled={at >= own.length - 1}
          onClick={() => go(1)}
        >
          later
        </button>
        <a class="file" href={shot.link}>the file</a>
        <button type="submit">close</button>
      </form>
      {url && <img src={url} alt={name} />}
    </dialog>
  );
}
