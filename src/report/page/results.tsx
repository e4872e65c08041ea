import { useEffect, useState } from "preact/hooks";
import type { Chunks } from "./chunks.ts";
import { marked } from "./lines.tsx";
import type { Model } from "./model.ts";
import { type Found, type Hit, search } from "./search.ts";

/** Searches as long as there is something to look for. */
export function useSearch(
  model: Model,
  data: Chunks,
  query: RegExp | undefined,
): Found | undefined {
  // What was found for an earlier query is nothing for this one.
  const [last, setLast] = useState<{ query: RegExp; found: Found }>();
  useEffect(() => {
    setLast(undefined);
    if (query === undefined) return;
    const { signal, abort } = aborter();
    // Somebody may still be typing.
    const timer = setTimeout(() => {
      search(model, data, query, signal, (found) => {
        if (!signal.aborted) setLast({ query, found });
      });
    }, 150);
    return () => {
      clearTimeout(timer);
      abort();
    };
  }, [query, model]);
  return last?.query === query ? last?.found : undefined;
}

function aborter(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

/** Hits that are drawn at once. */
const mostHits = 400;

/** The list of what was found. */
export function Results({ model, query, found, onHit }: {
  model: Model;
  query: RegExp;
  found: Found | undefined;
  onHit: (hit: Hit) => void;
}) {
  const [shown, setShown] = useState(mostHits);
  useEffect(() => setShown(mostHits), [query]);
  const hits = found?.hits.slice(0, shown) ?? [];
  return (
    <div class="results" data-done={found?.done ? "" : undefined}>
      <p role="status">
        {found === undefined || !found.done ? "searching … " : ""}
        {found?.count ?? 0} found
      </p>
      <ul>
        {hits.map((hit, i) => (
          <li key={i}>
            <button type="button" onClick={() => onHit(hit)}>
              <small>
                {hit.where === "console"
                  ? `console of ${model.machineName(hit.machine!)}, line ${
                    hit.line! + 1
                  }`
                  : hit.step !== undefined
                  ? `${hit.where}${
                    hit.where === "step" ? "" : ` of ${hit.step.text}`
                  }`
                  : hit.where}
              </small>
              <code>{marked(hit.text || " ", query)}</code>
            </button>
          </li>
        ))}
      </ul>
      {found !== undefined && found.hits.length > shown && (
        <button
          type="button"
          onClick={() => setShown(shown + mostHits)}
        >
          show more
        </button>
      )}
      {found !== undefined && found.done && found.count > found.hits.length &&
        shown >= found.hits.length && (
        <p class="nothing">
          Only the first {found.hits.length} of {found.count} are listed.
        </p>
      )}
    </div>
  );
}
