import { assertEquals } from "@std/assert";
import { runEndedIn } from "../../src/suite/last_event.ts";
import { temporaryDirectory } from "../cli/vmwright.ts";

/** The end of a run, with a text of so many characters. */
function end(length: number): string {
  const detail = "y".repeat(length);
  return `{"type":"runEnded","verdict":"failed","detail":"${detail}"}\n`;
}

Deno.test("the end of a run is found, however long its line is and whatever comes before and after", () => {
  using folder = temporaryDirectory({});
  const path = `${folder.path}/events.jsonl`;
  const line = `{"type":"consoleLine","text":"${"x".repeat(100)}"}\n`;
  for (const length of [0, 300_000, 5_000_000]) {
    for (const others of [0, 10, 5000]) {
      Deno.writeTextFileSync(
        path,
        line.repeat(others) + end(length) + line.repeat(others),
      );
      const found = runEndedIn(path);
      assertEquals(found?.verdict, "failed", `${length}, ${others}`);
      assertEquals(found?.detail?.length, length);
    }
  }
});

Deno.test("a run without a whole line about its end has none", () => {
  using folder = temporaryDirectory({
    empty: "",
    cut: end(10).slice(0, -3),
    other: `{"type":"stepEnded"}\n`.repeat(100_000),
  });
  for (const name of ["empty", "cut", "other", "missing"]) {
    assertEquals(runEndedIn(`${folder.path}/${name}`), undefined, name);
  }
});
