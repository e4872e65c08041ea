import { useEffect } from "preact/hooks";
import type { PageOverview, PageRun } from "../page_format.ts";
import type { Chunks } from "./chunks.ts";

/** Asks the driver what is new, as long as the run goes on. */
export function useLive(
  data: Chunks,
  take: (overview: PageOverview, run: PageRun) => void,
): void {
  useEffect(() => {
    if (!data.isLive) return;
    let current = true;
    let version = "";
    const ask = async () => {
      while (current) {
        try {
          const response = await fetch(`state?after=${version}`);
          if (response.status === 200) {
            version = response.headers.get("x-version") ?? "";
            const lasting = Number(response.headers.get("x-lasting"));
            const overview = await data.take(await response.text(), lasting);
            const [{ index, verdict }] = overview.runs;
            const run = JSON.parse(await data.text(index));
            if (current) take(overview, run);
            if (verdict !== "unfinished") return;
          } else if (response.status !== 204) return;
        } catch {
          // The driver is gone; the page stays as it is.
          return;
        }
      }
    };
    ask();
    return () => {
      current = false;
    };
  }, []);
}
