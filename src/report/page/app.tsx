import { useEffect, useState } from "preact/hooks";
import type { PageOverview, PageRun } from "../page_format.ts";
import type { Chunks } from "./chunks.ts";
import { useLive } from "./live.ts";
import { placeOf } from "./place.ts";
import { Run } from "./run.tsx";
import { Runs } from "./runs.tsx";
import { Suite } from "./suite.tsx";

/** The whole page: of one run, or of many. */
export function App({ overview: before, first, data }: {
  overview: PageOverview;
  first: PageRun | undefined;
  data: Chunks;
}) {
  const [overview, setOverview] = useState(before);
  const [run, setRun] = useState(first);
  const [number, setNumber] = useState(() =>
    first === undefined ? placeOf(location.hash).run : 0
  );
  const { suite } = overview;
  const isMany = overview.runs.length > 1 || suite !== undefined;
  useEffect(() => {
    if (!isMany) return;
    const hear = () => setNumber(placeOf(location.hash).run);
    addEventListener("hashchange", hear);
    return () => removeEventListener("hashchange", hear);
  }, [isMany]);
  useEffect(() => {
    if (!isMany || overview.runs[number ?? -1] === undefined) return;
    let current = true;
    setRun(undefined);
    data.text(overview.runs[number!].index).then((text) => {
      if (current) setRun(JSON.parse(text));
    });
    return () => {
      current = false;
    };
  }, [number]);
  useLive(data, (next, fresh) => {
    setOverview(next);
    setRun(fresh);
  });
  if (isMany && (number === undefined || overview.runs[number] === undefined)) {
    if (suite !== undefined) return <Suite suite={suite} />;
    return (
      <Runs
        overview={overview}
        onRun={(number, step) => {
          location.hash = step === undefined
            ? `run=${number}`
            : `run=${number}&step=${step}`;
        }}
      />
    );
  }
  if (run === undefined) return <p class="nothing">reading …</p>;
  return (
    <Run
      key={number}
      run={run}
      data={data}
      prefix={isMany ? `run=${number}&` : ""}
      label={isMany ? overview.runs[number!].label : ""}
      isLive={data.isLive && run.verdict === "unfinished"}
    />
  );
}
