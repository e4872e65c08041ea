import { render } from "preact";
import { App } from "./app.tsx";
import type { PageOverview } from "../page_format.ts";
import { Chunks, readElement } from "./chunks.ts";

const root = document.getElementById("app")!;

try {
  const overview = await readElement<PageOverview>("overview");
  const data = new Chunks();
  const first = overview.runs.length === 1 && overview.suite === undefined
    ? JSON.parse(await data.text(overview.runs[0].index))
    : undefined;
  root.textContent = "";
  root.className = "ready";
  render(<App overview={overview} first={first} data={data} />, root);
} catch (error) {
  // What the page says without its script stays.
  const note = document.createElement("p");
  note.className = "broken";
  note.textContent = `The page can't show more: ${(error as Error).message}`;
  root.prepend(note);
}
