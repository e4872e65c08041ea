import { assertEquals } from "@std/assert";
import { Activity } from "../../src/report/activity.ts";
import type { RunEvent } from "../../src/report/mod.ts";
import { statusLines } from "../../src/report/status_lines.ts";

/** The lines of what machines do, each since so many seconds. */
function lines(
  doing: Record<string, number>,
  act: (activity: Activity) => void,
  width = 40,
): string[] {
  const activity = new Activity();
  const tell = (event: object) => activity.on(event as RunEvent);
  let id = 0;
  for (const machine of Object.keys(doing)) {
    tell({ type: "machineStarted", time: 0, machine });
    tell({ type: "mark", time: 0, machine, kind: "ready" });
  }
  for (const [machine, seconds] of Object.entries(doing)) {
    const time = 10 - seconds;
    tell({
      type: "stepBegan",
      time,
      id: ++id,
      machine,
      text: `make ${machine}`,
    });
  }
  tell({ type: "message", time: 10, text: "now" });
  act(activity);
  return statusLines(activity, width, (text) => `<${text}>`);
}

Deno.test("a command that takes long shows its last lines as they come", () => {
  const print = (activity: Activity) => {
    activity.onOutput("web", "one\ntwo\nthr");
    activity.onOutput("web", "ee\n\nfour \x1b[31m\n");
    activity.onOutput("web", "a line that is longer than there is room for it");
  };
  assertEquals(lines({ web: 5 }, print), [
    "web  make web 5 s<>",
    "     <three>",
    "     <four>",
    "     <a line that is longer than there i…>",
  ]);
  // A short one, and one among many, has a single line.
  assertEquals(lines({ web: 1 }, print), [
    "web  make web 1 s< · a line that is long…>",
  ]);
  assertEquals(
    lines({ web: 5, a: 5, b: 5, c: 5 }, print)[0],
    "web  make web 5 s< · a line that is long…>",
  );
});

Deno.test("wide characters and tabs take no more room than there is", () => {
  const shown = lines({ web: 5 }, (activity) => {
    activity.onOutput("web", `one\n${"漢".repeat(40)}\n${"\ta".repeat(40)}\n`);
  });
  assertEquals(shown.slice(2), [
    `     <${"漢".repeat(17)}…>`,
    `     <${" a".repeat(17)}…>`,
  ]);
});

Deno.test("a command shows only its own output", () => {
  const shown = lines({ web: 5 }, (activity) => {
    activity.onOutput("web", "old\nlines\n");
    const tell = (event: object) => activity.on(event as RunEvent);
    const common = { machine: "web", text: "next", time: 10 };
    tell({ type: "stepEnded", id: 1, ...common });
    tell({ type: "stepBegan", id: 2, ...common });
    activity.onOutput("web", "fresh\n");
  });
  assertEquals(shown, ["web  next< · fresh>"]);
});
