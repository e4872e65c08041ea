import type { Chunks } from "./chunks.ts";
import { useRead } from "./detail.tsx";
import type { Model, Step } from "./model.ts";

/** What ended the run, and the way to the step where that was. */
export function Failure({ model, data, onSelect }: {
  model: Model;
  data: Chunks;
  onSelect: (step: Step, open?: boolean) => void;
}) {
  const { run } = model;
  const error = run.errors[run.error];
  const message = useRead<string>(
    () =>
      error && run.detail === undefined
        ? data.record<string>(error.place)
        : undefined,
    error?.place.join(),
  );
  if (error === undefined) return null;
  const step = model.step(error.step);
  const path = [];
  for (let at = step; at; at = at.parent) path.unshift(at);
  return (
    <details class="failure" open>
      <summary>
        <b>{error.name}</b> {error.title}
      </summary>
      <pre tabIndex={0}>{run.detail ?? message ?? error.title}</pre>
      {path.length > 0 && (
        <p>
          In {path.map((one, i) => (
            <span key={one.id}>
              {i > 0 && " › "}
              <a
                href={`#step${one.id}`}
                onClick={(event) => {
                  event.preventDefault();
                  onSelect(one, true);
                }}
              >
                {one.text}
              </a>
            </span>
          ))}
        </p>
      )}
    </details>
  );
}
