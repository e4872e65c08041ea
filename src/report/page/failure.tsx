import type { Chunks } from "./chunks.ts";
import { useRead } from "./detail.tsx";
import type { Model, Step } from "./model.ts";

/** How many steps that failed have a way to them here, at most. */
const MOST_PATHS = 10;

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
  return (
    <details class="failure" open>
      <summary>
        <b>{error.name}</b> {error.title}
      </summary>
      <pre tabIndex={0}>{run.detail ?? message ?? error.title}</pre>
      {model.ends.slice(0, MOST_PATHS).map((end) => (
        <p key={end.id}>
          In {pathTo(end).map((one, i) => (
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
      ))}
    </details>
  );
}

/** The steps that enclose a step, the outermost first, and the step. */
function pathTo(step: Step): Step[] {
  const path: Step[] = [];
  for (let at: Step | undefined = step; at; at = at.parent) path.unshift(at);
  return path;
}
