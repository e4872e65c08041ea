import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import {
  EventFileListener,
  makeReport,
  makeSuiteReport,
  ReportServer,
  type SuiteOverview,
} from "../../../src/report/mod.ts";
import { barriers, type Page, Screen } from "./screen.ts";
import {
  failing,
  forked,
  hostileRun,
  huge,
  MadeRun,
  parallel,
  passing,
} from "../made_runs.ts";

const screen = await Screen.open();

/** The texts of the rows in the list of steps. */
function rows(page: Page): Promise<string[]> {
  return page.locator(".row .what").allInnerTexts();
}

/** The part of the run that the timeline shows. */
async function view(page: Page): Promise<{ from: number; to: number }> {
  const timeline = page.locator(".timeline");
  const [from, to] = await Promise.all(
    ["data-from", "data-to"].map((name) => timeline.getAttribute(name)),
  );
  return { from: Number(from), to: Number(to) };
}

const title = (page: Page) => page.locator(".detail h2 bdi").innerText();

Deno.test("a page of a run that passed says what ran, where, how long, and how it ended", () =>
  screen.look(screen.write("passing", passing().events), async (page) => {
    assertEquals(await page.title(), "passed: /tests/web.ts");
    const top = await page.locator(".top").innerText();
    for (
      const words of [
        ...["passed", "web.ts", "6.80 s", "2 subtests: 2 passed"],
        ...["2 machines", "2026-11-20 09:30:00 UTC", "builder"],
        "vmwright 0.1.0, deno 2.9.6",
      ]
    ) assert(top.includes(words), `${words} in ${top}`);
    assertEquals(await rows(page), [
      "run the VM test script",
      "waiting for the VM to finish booting",
      "waiting for the VM to finish booting",
      "reads",
      "must succeed: curl http://server/reads",
      "restarts",
      "must succeed: curl http://server/restarts",
    ]);
    await page.getByRole("tab", { name: "Run" }).click();
    const about = await page.locator(".about").innerText();
    for (
      const words of [
        "/usr/bin/vmwright --start-scripts run-server-vm",
        "run-client-vm",
        "7.2.22",
        "32.0 GiB",
      ]
    ) assert(about.includes(words), `${words} in ${about}`);
  }));

Deno.test("a page of a run that failed opens at the step that failed, with all that explains it", () =>
  screen.look(
    screen.write("failing", failing(screen.folder).events),
    async (page) => {
      const step = "must succeed: curl --fail http://server/missing";
      assertEquals(await title(page), step);
      const failure = await page.locator(".failure").innerText();
      assertMatch(failure, /TestFailure command `curl` failed/);
      assertMatch(failure, /In run .* › the server survives a restart › must/);
      const here = page.locator(".source [aria-current]");
      assertMatch(
        await here.innerText(),
        /curl --fail http:\/\/server\/missing/,
      );
      assertEquals(await here.getAttribute("value"), "12");
      const command = await page.locator(".command").innerText();
      assertMatch(command, /status 22[^]*404[^]*requested URL returned error/);
      await page.locator(".lines.small .line", { hasText: "the needle" })
        .waitFor();
      const captions = await page.locator("figcaption").allInnerTexts();
      assertEquals(captions.map((one) => one.split(":")[0]), [
        "before",
        "after",
      ]);
      assertMatch(
        await page.locator(".detail").innerText(),
        /Log\n+[^]*slow[^]*answer/,
      );
      // A picture, larger.
      await page.locator(".picture").first().click();
      await page.getByRole("button", { name: "later" }).click();
      await page.getByRole("button", { name: "close" }).click();
      await page.locator("dialog").waitFor({ state: "detached" });
    },
  ));

Deno.test("a page of several failures opens at the first, and has a way to each", () => {
  const made = new MadeRun();
  const root = made.begin("run the VM test script", { role: "script" });
  for (const name of ["one", "two"]) {
    const subtest = made.subtest(name, root);
    const step = made.begin(`breaks ${name}`, { step: subtest });
    const error = { name: "TestFailure", message: `${name} broke` };
    made.pass(1).end(step, error);
    made.end(subtest, error);
  }
  const error = { name: "SubtestFailures", message: "2 subtests failed" };
  made.end(root, error);
  made.tell({ type: "runEnded", verdict: "failed", error });
  return screen.look(screen.write("several", made.events), async (page) => {
    assertEquals(await title(page), "breaks one");
    const ways = page.locator(".failure p");
    assertEquals(await ways.allInnerTexts(), [
      "In run the VM test script › one › breaks one",
      "In run the VM test script › two › breaks two",
    ]);
    await ways.getByRole("link", { name: "breaks two" }).click();
    assertEquals(await title(page), "breaks two");
  });
});

Deno.test("a page of a driver that was killed opens at what it did last", () => {
  const made = new MadeRun();
  const root = made.begin("run the VM test script", { role: "script" });
  made.pass(1).end(made.begin("is over", { step: root }));
  made.begin("hangs", { step: root });
  return screen.look(screen.write("killed", made.events), async (page) => {
    assertEquals(await title(page), "hangs");
  });
});

Deno.test("steps are chosen by a click, by their links and on the timeline", async () => {
  const path = screen.write("links", failing(screen.folder).events);
  await screen.look(path, async (page) => {
    await page.locator(".row", { hasText: "the client reads" }).click();
    assertEquals(await title(page), "the client reads the page");
    assertMatch(page.url(), /#step\d+$/);
    const link = page.url();
    await page.getByRole("link", { name: "curl http://server/" }).first()
      .click();
    assertEquals(await title(page), "must succeed: curl http://server/");
    await page.goBack();
    await page.goto(link);
    assertEquals(await title(page), "the client reads the page");
    // The first bar of the second lane: the server's boot.
    const canvas = page.locator("canvas");
    const { width } = (await canvas.boundingBox())!;
    const lane = (await page.locator(".name", { hasText: "server" })
      .boundingBox())!;
    const top = (await canvas.boundingBox())!.y;
    const position = { x: width / 8, y: lane.y - top + 25 };
    await canvas.hover({ position });
    assertMatch(await page.locator(".tip").innerText(), /^waiting for the VM/);
    await canvas.click({ position });
    assertEquals(await title(page), "waiting for the VM to finish booting");
  });
  await screen.look(path, async (page) => {
    const lines = page.locator(".lines .line.focus");
    await lines.waitFor();
    assertMatch(await lines.innerText(), /Started unit 7\.service/);
  }, { hash: "#console=server&line=7" });
});

Deno.test("steps are filtered by machine, kind and verdict", () =>
  screen.look(
    screen.write("filters", failing(screen.folder).events),
    async (page) => {
      await page.getByLabel("Verdict of steps").selectOption("failed");
      assertEquals(await rows(page), [
        "run the VM test script",
        "the server survives a restart",
        "must succeed: curl --fail http://server/missing",
      ]);
      await page.getByLabel("Verdict of steps").selectOption("all");
      await page.getByLabel("Kind of steps").selectOption("boot");
      assertEquals((await rows(page)).length, 3);
      await page.getByText("all machines").click();
      await page.getByRole("checkbox", { name: "client" }).uncheck();
      assertEquals(await page.locator(".row .machine").allInnerTexts(), [
        "server",
      ]);
      const lanes = await page.locator(".names .name").allInnerTexts();
      assertEquals(lanes, ["script", "server"]);
      await page.getByText("2 of 3 lanes").waitFor();
    },
  ));

Deno.test("a search finds steps, output, errors and lines, and leads there", () =>
  screen.look(
    screen.write("search", failing(screen.folder).events),
    async (page) => {
      const box = page.getByRole("searchbox");
      const results = page.locator(".results[data-done] li");
      await box.fill("NEEDLE");
      await results.first().waitFor();
      assertMatch(await results.innerText(), /console of client, line 61/);
      assertEquals(await page.locator(".results mark").innerText(), "needle");
      await results.getByRole("button").click();
      await page.locator(".panel.console .focus mark").waitFor();
      assertMatch(page.url(), /#console=client&line=60$/);
      // Times of the kernel are kept apart from what it says.
      await box.fill("1.500000] systemd");
      await results.first().waitFor();
      assertMatch(await results.first().innerText(), /\[ +1\.500000\] systemd/);
      await box.fill("welcome</h1>");
      await results.getByRole("button").click();
      assertEquals(await title(page), "must succeed: curl http://server/");
      await box.fill("/ended with:$/");
      await page.locator(".results li", { hasText: "error" }).first().waitFor();
      await box.fill("slow");
      await results.getByRole("button").click();
      await page.locator(".panel.log .focus", { hasText: "slow" }).waitFor();
      await box.fill("nowhere to be found");
      await page.locator(".results[data-done]", { hasText: "0 found" })
        .waitFor();
      await box.fill("");
      assertEquals((await rows(page)).length, 8);
    },
  ));

Deno.test("the timeline is zoomed and moved by mouse, by touch and by keys", async () => {
  const path = screen.write("zoom", parallel().events);
  await screen.look(path, async (page) => {
    const whole = await view(page);
    const canvas = page.locator("canvas");
    await canvas.hover({ position: { x: 300, y: 60 } });
    await page.keyboard.down("Control");
    await page.mouse.wheel(0, -300);
    await page.keyboard.up("Control");
    await page.waitForFunction(
      `document.querySelector(".timeline").dataset.from > ${whole.from}`,
    );
    const closer = await view(page);
    assertLess(closer.to - closer.from, (whole.to - whole.from) * 0.8);
    // What is under the pointer stays there.
    await page.mouse.down();
    await page.mouse.move(200, 120, { steps: 4 });
    await page.mouse.up();
    const moved = await view(page);
    assert(moved.from !== closer.from);
    assertLess(
      Math.abs(moved.to - moved.from - (closer.to - closer.from)),
      3,
    );
    await page.getByRole("application").focus();
    await page.keyboard.press("0");
    assertEquals(await view(page), whole);
    await page.keyboard.press("+");
    const zoomed = await view(page);
    assertLess(zoomed.to - zoomed.from, (whole.to - whole.from) * 0.75);
    await page.keyboard.press("ArrowRight");
    assert((await view(page)).from > zoomed.from);
    await page.keyboard.press("ArrowDown");
    assertEquals(await title(page), "round 0");
    await page.keyboard.press("z");
    const step = await view(page);
    assert(step.from < 1 && step.to > 23_000, JSON.stringify(step));
    await page.getByRole("button", { name: "all", exact: true }).click();
    assertEquals(await view(page), whole);
    await page.getByRole("button", { name: "zoom in" }).click();
    assert((await view(page)).from > whole.from);
  });
  await screen.look(path, async (page, context) => {
    const whole = await view(page);
    const { x, y } = (await page.locator("canvas").boundingBox())!;
    const session = await context.newCDPSession(page);
    const touch = (
      type: "touchStart" | "touchMove" | "touchEnd",
      ...xs: number[]
    ) =>
      session.send("Input.dispatchTouchEvent", {
        type,
        touchPoints: xs.map((at, id) => ({ x: x + at, y: y + 60, id })),
      });
    await touch("touchStart", 120, 160);
    for (let i = 1; i <= 8; i++) {
      await touch("touchMove", 120 - 10 * i, 160 + 10 * i);
    }
    await touch("touchEnd");
    const closer = await view(page);
    assertLess(closer.to - closer.from, (whole.to - whole.from) * 0.6);
  }, { phone: true });
});

Deno.test("everything is reached by the keyboard alone", () =>
  screen.look(
    screen.write("keyboard", failing(screen.folder).events),
    async (page) => {
      const press = (...keys: string[]) =>
        keys.reduce(
          (before, key) => before.then(() => page.keyboard.press(key)),
          Promise.resolve(),
        );
      const reach = async (selector: string) => {
        for (let i = 0; i < 60; i++) {
          const there = await page.evaluate(
            `document.activeElement.matches(${JSON.stringify(selector)})`,
          );
          if (there) return;
          await press("Tab");
        }
        throw new Error(`Expected ${selector} to be reached by Tab`);
      };
      await reach(".tree");
      await press("Home", "ArrowDown", "ArrowDown");
      assertEquals(await title(page), "waiting for the VM to finish booting");
      await press("Home", "ArrowLeft");
      assertEquals((await rows(page)).length, 1);
      await press("ArrowRight", "ArrowRight", "End");
      assertMatch(await title(page), /missing$/);
      await reach("[role=tab]");
      await press("ArrowRight");
      await page.locator(".panel.console .line").first().waitFor();
      await reach(".panel.console .lines");
      await press("/");
      await page.keyboard.type("needle");
      await page.locator(".results[data-done] li").waitFor();
      await reach(".results button");
      await press("Enter");
      await page.locator(".panel.console .focus").waitFor();
      await press("n");
      assertMatch(await title(page), /missing$/);
    },
  ));

Deno.test("a guest's text is mere text wherever the page shows it", () =>
  screen.look(screen.write("hostile", hostileRun().events), async (page) => {
    for (const tab of ["Console", "Log", "Run", "Step"]) {
      await page.getByRole("tab", { name: tab }).click();
    }
    const tree = page.getByRole("tree");
    await tree.focus();
    for (let i = 0; i < 60; i++) await page.keyboard.press("ArrowDown");
    const owned = '<img src=x onerror="globalThis.owned=1">';
    const box = page.getByRole("searchbox");
    await box.fill("globalThis.owned");
    await page.locator(".results[data-done] li").nth(5).waitFor();
    assert((await page.locator(".results").innerText()).includes(owned));
    assertEquals(await page.locator("#app img").count(), 0);
    assertEquals(
      await page.evaluate("globalThis.owned"),
      undefined,
    );
    // Not even what is put into the page later would run.
    const ran = await page.evaluate(`new Promise((resolve) => {
      const script = document.createElement("script");
      script.textContent = "globalThis.owned = 2";
      document.addEventListener(
        "securitypolicyviolation",
        ({ effectiveDirective }) => resolve(effectiveDirective),
      );
      document.body.append(script);
    })`);
    assertEquals(ran, "script-src-elem");
  }, { complaint: /inline script/ }));

Deno.test("machines of a fork stand below the original ones", () =>
  screen.look(screen.write("forked", forked().events), async (page) => {
    assertEquals(await page.locator(".names .name").allInnerTexts(), [
      "script",
      "server",
      "server#2\nfrom server",
      "server#3\nfrom server",
    ]);
    const figures = await page.locator(".meta span").allInnerTexts();
    assert(figures.includes("1 machine"), figures.join());
  }));

Deno.test("a million lines and ten thousand steps are there at once, to their end", async () => {
  /** Milliseconds until the first row of a page is there. */
  const shown = async (page: Page, began: number) => {
    await page.locator(".row").first().waitFor();
    return performance.now() - began;
  };
  const small = screen.write("small", passing().events);
  let began = performance.now();
  let usual = Infinity;
  await screen.look(
    small,
    async (page) => void (usual = await shown(page, began)),
  );
  const path = screen.write("huge", huge(1_000_000, 10_000));
  began = performance.now();
  await screen.look(path, async (page) => {
    // Two seconds on a host that does nothing else, where a small one takes half
    // of one.
    assertLess(await shown(page, began), 60 * usual);
    assertLess(await page.locator(".row").count(), 100);
    await page.getByRole("tree").focus();
    await page.keyboard.press("End");
    await page.locator(".row", { hasText: "--number 9999 " }).waitFor();
    assertMatch(await title(page), /job --number 9999/);
    await page.locator(".command", { hasText: "the output of job 9999" })
      .waitFor();
    await page.getByRole("tab", { name: "Console" }).click();
    await page.locator(".lines .line").first().waitFor();
    await page.evaluate(`{
      const lines = document.querySelector(".panel .lines");
      lines.scrollTop = lines.scrollHeight;
    }`);
    await page.locator(".line", { hasText: "300.000000] " }).waitFor();
    assertLess(await page.locator(".line").count(), 2000);
    // Lines that were read once are there while somebody draws the scrollbar.
    const jump = (part: number) =>
      page.evaluate(`(async () => {
        const lines = document.querySelector(".panel .lines");
        const { top, bottom } = lines.getBoundingClientRect();
        lines.scrollTop = ${part} * lines.scrollHeight;
        const frame = () => new Promise((go) => requestAnimationFrame(go));
        await frame();
        await frame();
        return [...lines.querySelectorAll(".line")].some((line) => {
          const box = line.getBoundingClientRect();
          return box.bottom > top && box.top < bottom;
        });
      })()`);
    const parts = Array.from({ length: 20 }, (_, n) => n / 20);
    for (const part of parts) {
      await jump(part);
      await page.locator(".block:not(.unread) .line").first().waitFor();
    }
    const there = [];
    for (const part of parts) if (await jump(part)) there.push(part);
    assertLess(parts.length / 2, there.length);
    await page.getByRole("searchbox").fill("checkpoint complete");
    const status = page.locator(".results[data-done] [role=status]");
    await status.waitFor();
    assertEquals(await status.innerText(), "200000 found");
  });
});

Deno.test("a phone shows the list or the details, and a way between them", () =>
  screen.look(
    screen.write("phone", failing(screen.folder).events),
    async (page) => {
      assertEquals(await page.locator(".detail").isVisible(), false);
      await page.locator(".row", { hasText: "the client reads" }).tap();
      assertEquals(await title(page), "the client reads the page");
      assertEquals(await page.locator(".tree").isVisible(), false);
      await page.getByRole("button", { name: "‹ steps" }).tap();
      assertEquals(await page.locator(".tree").isVisible(), true);
      const wide = await page.evaluate(
        "document.documentElement.scrollWidth > innerWidth",
      );
      assertEquals(wide, false);
    },
    { phone: true },
  ));

Deno.test("one page of many runs tells what failed where, and leads to each run", async () => {
  const files = await Promise.all(
    [passing(), failing(screen.folder), failing(screen.folder), parallel()]
      .map((run, i) => {
        const path = `${screen.folder}/day-${i}.jsonl`;
        const listener = new EventFileListener(path);
        for (const event of run.events) {
          listener.on(
            event.type === "runBegan"
              ? { ...event, date: event.date + i * 864e5 }
              : event,
          );
        }
        listener.close();
        return path;
      }),
  );
  // The last one's driver was killed.
  Deno.truncateSync(files[3], Deno.statSync(files[3]).size - 30);
  const path = `${screen.folder}/many.html`;
  assertEquals(await makeReport(files, path), [files[3]]);
  await screen.look(path, async (page) => {
    assertEquals(await page.title(), "4 runs: 3 not passed");
    const heads = await page.locator("thead th a").allInnerTexts();
    assertEquals(heads, ["day-0", "day-1", "day-2", "day-3"]);
    const whole = page.locator("tr.whole");
    assertMatch(await whole.innerText(), /broke: 1 of 4 passed/);
    assertEquals(await barriers(page), []);
    const row = page.locator("tr", { hasText: "the server survives" });
    await row.locator("a").nth(1).click();
    await page.locator(".detail").waitFor();
    assertEquals(await title(page), "the server survives a restart");
    assertMatch(page.url(), /#run=2&step=\d+$/);
    await page.locator(".row", { hasText: "missing" }).click();
    await page.locator("figure img").first().waitFor();
    await page.getByRole("link", { name: "all runs" }).click();
    await page.locator("thead a", { hasText: "day-3" }).click();
    await page.locator(".top", { hasText: "unfinished" }).waitFor();
  });
});

/** A suite of tests that ended in all ways; two have runs on the page. */
const suite: SuiteOverview = {
  name: "house",
  date: Date.UTC(2026, 10, 20, 9, 30),
  time: 95e4,
  passed: false,
  notes: ["shard 2/3 never reported"],
  tests: [
    ...(["failed", "timeout", "crashed", "unfinished", "flaky"] as const).map(
      (verdict, i) => ({
        name: `the <b>${verdict}</b> one`,
        verdict,
        time: 1e4 * i,
        reason: verdict === "flaky" ? undefined : `why\nit is ${verdict}`,
        attempts: verdict === "flaky"
          ? [{ verdict: "failed" as const, time: 5e3, run: 0 }, {
            verdict: "passed" as const,
            time: 5e3,
            run: 1,
          }]
          : [],
        past: [
          { verdict: "passed" as const, date: Date.UTC(2026, 9, 1), time: 2e4 },
          { verdict, date: Date.UTC(2026, 10, 1), time: 3e4 },
        ],
        trend: "of the last 2 runs, 1 passed",
      }),
    ),
    ...["skipped", "passed"].map((verdict) => ({
      name: `the ${verdict} one`,
      verdict: verdict as "skipped" | "passed",
      time: 0,
      attempts: verdict === "passed"
        ? [{ verdict: "passed" as const, time: 4e4, link: "own/report.html" }]
        : [],
      past: [],
    })),
  ],
};

for (const look of [{}, { dark: true }, { phone: true }]) {
  const how = Object.keys(look)[0] ?? "light";
  Deno.test(`one page of a suite tells what became of each test, and leads to its runs: ${how}`, async () => {
    const files = [failing(screen.folder), passing()].map((run, i) => {
      const path = `${screen.folder}/suite-${i}.jsonl`;
      const listener = new EventFileListener(path);
      for (const event of run.events) listener.on(event);
      listener.close();
      return { path, label: `the flaky one, ${i + 1}` };
    });
    const path = `${screen.folder}/suite.html`;
    await makeSuiteReport(suite, files, path);
    await screen.look(path, async (page) => {
      assertEquals(await page.title(), "failed: house");
      assertEquals(await barriers(page), []);
      const top = await page.locator(".top").innerText();
      for (
        const words of [
          "7 tests: 1 failed, 1 timeout, 1 crashed, 1 unfinished, 1 flaky, 1 skipped, 1 passed",
          "2026-11-20 09:30 UTC, 1 min 35 s",
        ]
      ) assert(top.includes(words), `${words} in ${top}`);
      assertEquals(
        await page.locator(".note").allInnerTexts(),
        suite.notes as string[],
      );
      const row = page.locator("tbody tr");
      assertEquals(await row.count(), 7);
      assertMatch(
        await row.first().innerText(),
        /the <b>failed<\/b> one[^]*why\s+it is failed[^]*of the last 2 runs/,
      );
      assertEquals(
        await row.last().locator("a").getAttribute("href"),
        "own/report.html",
      );
      await page.getByRole("searchbox").fill("FLAKY");
      assertEquals(await row.count(), 1);
      await page.getByRole("searchbox").fill("");
      await page.getByRole("combobox").selectOption("timeout");
      assertEquals(await row.count(), 1);
      await page.getByRole("combobox").selectOption("");
      await page.getByRole("link", { name: "1: failed" }).click();
      await page.locator(".top", { hasText: "failed" }).waitFor();
      assertMatch(page.url(), /#run=0$/);
      await page.getByRole("link", { name: "all runs" }).click();
      await page.getByRole("link", { name: "2: passed" }).click();
      await page.locator(".top", { hasText: "passed" }).waitFor();
      assertMatch(page.url(), /#run=1$/);
    }, look);
  });
}

Deno.test("a picture has a name before it is there", async () => {
  const path = screen.write("pictures", failing(screen.folder).events);
  const text = Deno.readTextFileSync(path);
  // The page lacks what its pictures show.
  const without = text.replaceAll(/ id="c\d+"(?=[^<>]*>iVBORw0KGgo)/g, "");
  assert(without.length < text.length);
  Deno.writeTextFileSync(path, without);
  await screen.look(path, async (page) => {
    const picture = page.locator(".picture").first();
    await picture.waitFor();
    assertMatch(
      await picture.getAttribute("aria-label") ?? "",
      /^Screen of \w+ at [\d.]+ s$/,
    );
    assertEquals(await barriers(page), []);
  }, { complaint: /This part of the page is missing/ });
});

for (const look of [{}, { dark: true }, { phone: true }]) {
  const how = Object.keys(look)[0] ?? "light";
  Deno.test(`the page is accessible: ${how}`, async () => {
    await screen.look(
      screen.write(`axe-${how}`, failing(screen.folder).events),
      async (page) => {
        assertEquals(await barriers(page), []);
        if ("phone" in look) await page.locator(".row").first().tap();
        for (const tab of ["Console", "Log", "Screens", "Run"]) {
          await page.getByRole("tab", { name: tab }).click();
          await page.locator(`.panel.${tab.toLowerCase()}`).waitFor();
          assertEquals(await barriers(page), []);
        }
        if ("phone" in look) return;
        await page.getByRole("searchbox").fill("server");
        await page.locator(".results[data-done] li").first().waitFor();
        assertEquals(await barriers(page), []);
      },
      look,
    );
  });
}

Deno.test("a page of a run in which nothing has happened yet shows that", () =>
  screen.look(
    screen.write("empty", new MadeRun().events),
    async (page) => {
      assertMatch(await page.locator(".top").innerText(), /unfinished/);
      await page.getByText("No step has begun.").waitFor();
      await page.getByRole("tab", { name: "Console" }).click();
      await page.getByText("There is no machine.").waitFor();
    },
  ));

Deno.test("a browser shows a run while it goes on, and keeps what it showed", async () => {
  const server = new ReportServer();
  const { events } = failing(screen.folder);
  const half = events.findIndex(({ type }) => type === "intervalBegan");
  for (const event of events.slice(0, half)) server.on(event);
  await screen.look(server.url, async (page) => {
    await page.locator(".verdict", { hasText: "running" }).waitFor();
    await page.locator(".row", { hasText: "survives" }).click();
    assertEquals((await rows(page)).at(-1), "the server survives a restart");
    for (const event of events.slice(half)) server.on(event);
    await page.locator(".row", { hasText: "missing" }).waitFor();
    // What was chosen stays so.
    assertEquals(await title(page), "the server survives a restart");
    await server.close();
    await page.locator(".verdict", { hasText: "failed" }).waitFor();
    await page.locator(".row", { hasText: "missing" }).click();
    await page.locator(".lines .line", { hasText: "the needle" }).waitFor();
    await page.locator("figure img").first().waitFor();
  });
});

Deno.test("a browser shows one run after the other at the same address", async () => {
  const server = new ReportServer({ stays: true });
  for (const event of passing().events) server.on(event);
  await screen.look(server.url, async (page) => {
    await page.locator(".verdict", { hasText: "passed" }).waitFor();
    for (const event of failing(screen.folder).events) server.on(event);
    await page.locator(".verdict", { hasText: "failed" }).waitFor();
    await page.locator(".row", { hasText: "missing" }).click();
    await page.locator(".lines .line", { hasText: "the needle" }).waitFor();
    for (const event of passing().events.slice(0, -1)) server.on(event);
    await page.locator(".verdict", { hasText: "running" }).waitFor();
    assertEquals(
      (await rows(page)).at(-1),
      "must succeed: curl http://server/restarts",
    );
    await server.close();
  });
});

// The last test: what all have used.
Deno.test("the browser ends", () => screen[Symbol.asyncDispose]());
