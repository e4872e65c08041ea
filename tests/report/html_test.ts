import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { HtmlListener, Log } from "../../src/report/mod.ts";
import { hostile } from "./hostile.ts";
import { killed, withFolder } from "./process.ts";
import { randomRun } from "./random_run.ts";
import { all, type Element, parse, textOf } from "./well_formed.ts";

const pixel = Uint8Array.from(
  atob(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  ),
  (character) => character.charCodeAt(0),
);

/** The page of what `act` logs. */
async function page(
  act: (log: Log, folder: string) => unknown,
): Promise<Element> {
  let text = "";
  await withFolder(async (folder) => {
    const path = `${folder}/report.html`;
    const log = new Log([new HtmlListener(path)]);
    await act(log, folder);
    await log.close();
    text = Deno.readTextFileSync(path);
  });
  assertLess(text.length, 64 << 20);
  const document = parse(text);
  harmless(document);
  return document;
}

const allowed = new Set(
  "html head meta title style body header main section h1 h2 h3 p pre a b i div span details summary bdi figure figcaption img"
    .split(" "),
);

/** Makes sure that nothing on a page runs or is loaded from elsewhere. */
function harmless(element: Element): void {
  assert(allowed.has(element.name), `<${element.name}>`);
  for (const [name, value] of Object.entries(element.attributes)) {
    assert(!name.startsWith("on"), name);
    if (name === "src") assertMatch(value!, /^data:image\/png;base64,/);
    if (name === "href") assertMatch(value!, /^(?:#step\d+|\.\/|file:\/\/\/)/);
    if (name === "style") {
      assertMatch(value!, /^left:[\d.]+%;width:[\d.]+%$/);
    }
  }
  for (const child of element.children) {
    if (typeof child === "object") harmless(child);
  }
}

function ofClass(document: Element, name: string): Element[] {
  const found: Element[] = [];
  const walk = (element: Element) => {
    if (element.attributes.class?.split(" ").includes(name)) {
      found.push(element);
    }
    for (const child of element.children) {
      if (typeof child === "object") walk(child);
    }
  };
  walk(document);
  return found;
}

Deno.test("the page shows the failure first, then the timeline, then every step", async () => {
  const document = await page(async (log, folder) => {
    log.consoleOpened("client", `${folder}/logs/client #1.log`);
    log.consoleLine("client", "booting");
    const error = new Error("status 1");
    const caught = log.begin("tried before", { machine: "other" });
    log.end(caught, new Error("caught"));
    await log.subtest("fetch", () =>
      log.nested("must succeed: curl", () => {
        log.consoleLine("client", "connection refused");
        throw error;
      }, { machine: "client" })).catch(() => {});
    log.runEnded("failed", error, "test.ts:4\n  client.succeed('curl')");
  });
  assertEquals(textOf(all(document, "h1")[0]), "failed");
  assertEquals(
    all(document, "h2").map(textOf),
    ["Error", "Timeline", "Steps"],
  );
  const failure = textOf(ofClass(document, "failure")[0]);
  assertMatch(failure, /test\.ts:4\n {2}client\.succeed\('curl'\)/);
  assertMatch(failure, /In subtest: fetch › must succeed: curl/);
  assertMatch(failure, /client # booting\nclient # connection refused/);
  const links = all(document, "a").map((a) => a.attributes.href);
  assert(links.includes("./logs/client%20%231.log"));
  assertEquals(ofClass(document, "row").length, 2);
  const steps = ofClass(document, "step");
  assertEquals(steps.map((step) => step.attributes.class), [
    "step failed",
    "step failed",
    "step failed",
  ]);
  assertEquals(steps.map((step) => step.attributes.open), ["", "", ""]);
  assertMatch(textOf(steps[2]), /connection refused/);
});

Deno.test("console lines stand in the step of their machine", async () => {
  const document = await page(async (log) => {
    const a = log.begin("step of a", { machine: "a" });
    const b = log.begin("step of b", { machine: "b" });
    log.consoleLine("a", "said by a");
    log.consoleLine("b", "said by b");
    log.end(a);
    log.end(b);
    await log.nested("step of the script", () => {
      log.consoleLine("a", "said later");
    });
    log.runEnded("passed");
  });
  const [a, b, later] = ofClass(document, "step").map(textOf);
  assertMatch(a, /said by a/);
  assertMatch(b, /said by b/);
  assertMatch(later, /said later/);
  assertEquals(ofClass(document, "failure"), []);
});

Deno.test("a screenshot is inside the page if it is an image, and linked", async () => {
  const document = await page(async (log, folder) => {
    Deno.writeFileSync(`${folder}/one.png`, pixel);
    Deno.writeTextFileSync(`${folder}/two.png`, "<script>");
    await log.nested("look", () => {
      log.screenshot("m", `${folder}/one.png`);
      log.screenshot("m", `${folder}/two.png`);
      log.screenshot("m", `${folder}/absent.png`);
    });
  });
  const figures = all(document, "figure");
  assertEquals(
    figures.map((figure) => all(figure, "a")[0].attributes.href),
    ["./one.png", "./two.png", "./absent.png"],
  );
  assertEquals(figures.map((figure) => all(figure, "img").length), [1, 0, 0]);
});

Deno.test("a failure shows nothing that can't be seen, and no remains of colours", async () => {
  const long = "\x1b[31mred\x1b[0m ".repeat(20_000);
  for (const text of [...hostile, long]) {
    await page(async (log) => {
      await log.nested(text, () => Promise.reject(new Error(text)))
        .catch(() => {});
      log.runEnded("failed", new TypeError(text), text);
    });
  }
});

Deno.test("a page is well-formed, and nothing on it runs, whatever is logged", async () => {
  for (let seed = 1; seed <= 10; seed++) {
    await page((log) => {
      randomRun(log, seed);
      if (seed % 2) log.runEnded("failed", new Error("<script>\x00"));
    });
  }
});

Deno.test("a page stays of moderate size whatever the consoles say", async () => {
  let size = 0;
  await withFolder(async (folder) => {
    const path = `${folder}/report.html`;
    const log = new Log([new HtmlListener(path)]);
    const line = "x".repeat(1000);
    for (let i = 0; i < 20_000; i++) {
      const step = log.begin(`step ${i}`, { machine: "m" });
      for (let j = 0; j < 10; j++) log.consoleLine("m", line);
      log.end(step);
    }
    const last = log.begin("last", { machine: "m" });
    log.consoleLine("m", "the last words");
    log.end(last, new Error("x"));
    log.runEnded("failed", new Error("x"));
    await log.close();
    const text = Deno.readTextFileSync(path);
    size = text.length;
    assertMatch(text, /\d+ steps left out/);
    assertMatch(text, /the last words/);
  });
  assertLess(size, 32 << 20);
});

Deno.test("a page stays of moderate size however many steps fail", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/report.html`;
    const log = new Log([new HtmlListener(path)]);
    const output = "the output of a command\n".repeat(100);
    for (let i = 0; i < 15_000; i++) {
      const outer = log.begin(`outer ${i}`);
      const inner = log.begin(`inner ${i}`, { machine: "m" }, outer);
      log.within(inner, () => log.info(output));
      const error = new Error(`failure ${i}: ${output}`);
      log.end(inner, error);
      log.end(outer, error);
    }
    log.runEnded("passed");
    await log.close();
    const text = Deno.readTextFileSync(path);
    assertLess(text.length, 24 << 20);
    assert(/2\d{4} steps left out/.test(text));
    for (const kept of [0, 1, 14_998, 14_999]) {
      for (const what of ["outer", "inner", "failure"]) {
        const found = new RegExp(`${what} ${kept}\\b`).test(text);
        assert(found, `${what} ${kept} is not there`);
      }
    }
    assert(!text.includes("inner 10000"));
  });
});

Deno.test("a page that is not finished says so, also after a kill", () =>
  withFolder(async (folder) => {
    const path = `${folder}/report.html`;
    await killed(
      `new Log([new HtmlListener(${JSON.stringify(path)})]).info("begun");`,
    );
    const document = parse(Deno.readTextFileSync(path));
    assertEquals(textOf(all(document, "h1")[0]), "unfinished");
  }));
