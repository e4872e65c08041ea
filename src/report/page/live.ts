import { useEffect } from "preact/hooks";
import type { PageOverview, PageRun } from "../page_format.ts";
import type { Chunks } from "./chunks.ts";

/** Asks the driver what is new, as long as the run goes on or others follow. */
export function useLive(
  data: Chunks,
  take: (overview: PageOverview, run: PageRun) => void,
): void {
  useEffect(() => {
    if (!data.isLive) return;
    let current = true;
    let version = "";
    let shown: string | null = null;
    const ask = async () => {
      while (current) {
        try {
          const response = await fetch(`state?after=${version}`);
          if (response.status === 200) {
            const { headers } = response;
            version = headers.get("x-version") ?? "";
            // Of another run, nothing that the page has is true.
            shown ??= headers.get("x-run");
            if (shown !== headers.get("x-run")) return location.reload();
            const lasting = Number(headers.get("x-lasting"));
            const overview = await data.take(await response.text(), lasting);
            const [{ index, verdict }] = overview.runs;
            const run = JSON.parse(await data.text(index));
            if (current) take(overview, run);
            if (verdict !== "unfinished" && !headers.has("x-stays")) return;
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
