import { assertEquals } from "@std/assert";
import { History } from "../../../src/script/prompt/history.ts";

function withState(fn: (directory: string) => void) {
  const before = Deno.env.get("XDG_STATE_HOME");
  const directory = Deno.makeTempDirSync();
  Deno.env.set("XDG_STATE_HOME", directory);
  try {
    fn(directory);
  } finally {
    if (before === undefined) Deno.env.delete("XDG_STATE_HOME");
    else Deno.env.set("XDG_STATE_HOME", before);
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("a history is kept for each language, for its owner alone", () =>
  withState((directory) => {
    const history = History.open("typescript");
    assertEquals(history.lines, []);
    history.add("const a = 1");
    // Another prompt at the same time.
    History.open("typescript").add("b");
    history.add("  ");
    history.add("c");
    assertEquals(History.open("typescript").lines, ["const a = 1", "b", "c"]);
    assertEquals(History.open("python").lines, []);
    const file = Deno.statSync(`${directory}/vmwright/history.typescript`);
    assertEquals(file.mode! & 0o777, 0o600);
  }));

Deno.test("a history does not grow without end", () =>
  withState((directory) => {
    Deno.mkdirSync(`${directory}/vmwright`);
    const lines = Array.from(
      { length: 20_000 },
      (_, number) => `line ${number}`,
    );
    const path = `${directory}/vmwright/history.python`;
    Deno.writeTextFileSync(path, lines.join("\n") + "\n");
    assertEquals(History.open("python").lines, lines.slice(-5000));
    assertEquals(Deno.readTextFileSync(path).split("\n").length, 5001);
  }));

Deno.test("a history that can't be kept is no reason to fail", () =>
  withState((directory) => {
    Deno.writeTextFileSync(`${directory}/vmwright`, "a file");
    const history = History.open("typescript");
    history.add("a");
    assertEquals(history.lines, []);
  }));
