import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { HtmlListener, Log, type RunEvent } from "../../src/report/mod.ts";
import { stepKinds } from "../../src/report/page_format.ts";
import { RunData } from "../../src/report/run_data.ts";
import { Spool } from "../../src/report/spool.ts";
import { hostile, unseen } from "./hostile.ts";
import {
  failing,
  forked,
  hostileRun,
  huge,
  parallel,
  png,
} from "./made_runs.ts";
import { killed, withFolder } from "./process.ts";
import { randomRun } from "./random_run.ts";
import { type ReadPage, readPage } from "./read_page.ts";
import { all, type Element, textOf } from "./well_formed.ts";

const reports = new URL("../../src/report/mod.ts", import.meta.url).href;
const consoles = new URL("../../src/console/mod.ts", import.meta.url).href;

/** The page of what `act` logs. */
async function page(
  act: (log: Log, folder: string) => unknown,
): Promise<ReadPage> {
  let text = "";
  await withFolder(async (folder) => {
    const path = `${folder}/report.html`;
    const log = new Log([new HtmlListener(path)]);
    await act(log, folder);
    await log.close();
    text = Deno.readTextFileSync(path);
  });
  const read = readPage(text);
  await harmless(read);
  return read;
}

/** The page of events. */
async function pageOf(
  events: (folder: string) => Iterable<RunEvent>,
): Promise<ReadPage> {
  let text = "";
  await withFolder((folder) => {
    const path = `${folder}/report.html`;
    const listener = new HtmlListener(path);
    for (const event of events(folder)) listener.on(event);
    listener.close();
    text = Deno.readTextFileSync(path);
  });
  const read = readPage(text);
  await harmless(read);
  return read;
}

const allowed = new Set(
  "html head meta title body div header main section h1 h2 h3 p pre ul li bdi"
    .split(" "),
);

/** The author's own files may speak of what colours are made of. */
const hidden = new RegExp(unseen.source.split("|")[0], "u");

/** Makes sure that nothing on a page runs but its script, or is loaded. */
async function harmless(page: ReadPage): Promise<void> {
  const walk = ({ name, attributes, children }: Element) => {
    assert(name === "" || allowed.has(name), `<${name}>`);
    for (const attribute in attributes) {
      assert(!/^on|^(src|href|style)$/.test(attribute), attribute);
    }
    for (const child of children) if (typeof child === "object") walk(child);
  };
  walk(page.document);
  const directives = page.policy.split("; ");
  assertEquals(directives, [
    "default-src 'none'",
    `script-src ${await hash(page.script)}`,
    `style-src ${await hash(page.style)}`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ]);
  for (const [id, text] of page.chunks) {
    const found = hidden.exec(text);
    assert(found === null, `chunk ${id}: ${JSON.stringify(found?.[0])}`);
  }
  for (
    const { link } of [
      ...page.run.shots,
      ...page.run.machines,
      ...page.run.files,
    ]
  ) {
    if (link !== undefined) assertMatch(link, /^(?:\.\/|file:\/\/\/)/);
  }
}

async function hash(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return `'sha256-${new Uint8Array(digest).toBase64()}'`;
}

function classOf(document: Element, name: string): Element | undefined {
  return all(document, "section").find(({ attributes }) =>
    attributes.class === name
  );
}

Deno.test("a page says without its script what failed, where, and what consoles said last", async () => {
  const { document, run } = await page(async (log, folder) => {
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
  assertEquals(all(document, "h2").map(textOf), ["Error", "Subtests"]);
  const failure = textOf(classOf(document, "failure")!);
  assertMatch(failure, /test\.ts:4\n {2}client\.succeed\('curl'\)/);
  assertMatch(failure, /In subtest: fetch › must succeed: curl/);
  assertMatch(failure, /booting\nconnection refused/);
  assertMatch(textOf(all(document, "li")[0]), /^failed: fetch, .*: status 1/);
  const links = run.machines.map(({ link }) => link);
  assert(links.includes("./logs/client%20%231.log"));
});

Deno.test("a page knows of each step what ran, where in the script, and how it ended", async () => {
  const { run, record, overview } = await pageOf((folder) =>
    failing(folder).events
  );
  const { steps } = run;
  assertEquals(steps.text.slice(-2), [
    "execute: systemctl is-active nginx",
    "must succeed: curl --fail http://server/missing",
  ]);
  assertEquals(steps.kind.slice(-2).map((kind) => stepKinds[kind]), [
    "execute",
    "succeed",
  ]);
  const last = steps.id.length - 1;
  assertEquals(run.sources[steps.source[last]].name, "web.ts");
  assertEquals(steps.line[last], 12);
  const source = record<string>(run.sources[0].place!);
  assertMatch(source.split("\n")[11], /server\/missing/);
  const { commands } = record<{ commands: unknown[] }>([
    steps.chunk[last],
    steps.record[last],
  ]);
  assertEquals(commands, [{
    kind: "succeed",
    command: "curl --fail http://server/missing",
    status: 22,
    output: "404\n",
    stderr: "curl: (22) The requested URL returned error: 404",
    duration: 0.8,
  }]);
  // One error has ended the step, the subtest, the script and the run.
  assertEquals(run.errors.length, 1);
  assertEquals(run.errors[0].step, steps.id[last]);
  assertEquals(run.error, 0);
  assertEquals(
    overview.runs[0].subtests.map(({ path, state }) => [path, state]),
    [
      ["the client reads the page", "passed"],
      ["the server survives a restart", "failed"],
    ],
  );
  assertEquals(run.intervals.map(({ kind, text }) => [kind, text]), [
    ["fault", "20 % loss"],
  ]);
  const marks = run.marks.map(({ kind }) => kind);
  assertEquals(marks, ["boot", "ready", "boot", "ready", "reset"]);
});

Deno.test("a fork's machines begin with one mark, that of the fork", async () => {
  const { run } = await pageOf(() => forked().events);
  assertEquals(
    run.marks.map(({ kind, machine }) =>
      `${kind} ${machine < 0 ? "" : run.machines[machine].name}`
    ).filter((mark) => mark.includes("#")),
    ["fork server#2", "fork server#3"],
  );
});

Deno.test("a page has each line of the consoles and of the log, with its time", async () => {
  const { run, lines } = await page((log) => {
    for (let i = 0; i < 20_000; i++) log.consoleLine("m", `line ${i}`);
    const step = log.begin("step", { machine: "m" });
    log.within(step, () => log.warning("one\ntwo", { machine: "m" }));
  });
  const said = lines(run.machines[0].chunks);
  assertEquals(said.length, 20_000);
  said.forEach(({ text }, i) => assertEquals(text, `line ${i}`));
  said.forEach(({ time }, i) => i > 0 && assert(time >= said[i - 1].time));
  assertEquals(lines(run.log).map(({ text }) => text), ["one", "two"]);
});

Deno.test("a page has lines with a kernel's times as they came", async () => {
  const said = [
    "[    0.000000] Linux version",
    "[    1.250000] one",
    "[    1.000000] back",
    "no time",
    "[12345.678901] long",
    "[123456.678901] longer",
    "[ 1.250000] of another form",
    "[   01.250000] of another form",
    "[99999999999.250000] of no kernel",
    "[    2.25] short",
    "[    2.250000]",
    "[    2.250000] ",
  ];
  const { run, lines } = await page((log) => {
    for (const line of said) log.consoleLine("m", line);
  });
  assertEquals(lines(run.machines[0].chunks).map(({ text }) => text), said);
});

Deno.test("a page holds each picture once, if it is one, and links to its file", async () => {
  const { run, chunks } = await page(async (log, folder) => {
    Deno.writeFileSync(`${folder}/one.png`, png(8, 8, 3));
    Deno.writeFileSync(`${folder}/same.png`, png(8, 8, 3));
    Deno.writeTextFileSync(`${folder}/two.png`, "<script>");
    await log.nested("look", () => {
      for (const name of ["one", "same", "two", "absent"]) {
        log.screenshot("m", `${folder}/${name}.png`);
      }
    });
  });
  assertEquals(
    run.shots.map(({ image, link }) => [image, link]),
    [[0, "./one.png"], [0, "./same.png"], [-1, "./two.png"], [
      -1,
      "./absent.png",
    ]],
  );
  assertEquals(run.images.length, 1);
  assertEquals(chunks.get(run.images[0]), png(8, 8, 3).toBase64());
});

Deno.test("a page runs only its own script, and hides no text", async () => {
  await pageOf(() => hostileRun().events);
  const long = "\x1b[31mred\x1b[0m ".repeat(20_000);
  for (const text of [...hostile, long]) {
    await page(async (log) => {
      await log.nested(text, () => Promise.reject(new Error(text)))
        .catch(() => {});
      log.runEnded("failed", new TypeError(text), text);
    });
  }
  for (let seed = 1; seed <= 10; seed++) {
    await page((log) => {
      randomRun(log, seed);
      if (seed % 2) log.runEnded("failed", new Error("<script>\x00"));
    });
  }
});

Deno.test("a page of a long run is as complete at its end as at its beginning", async () => {
  const { run, lines, record } = await pageOf(() => huge(100_000, 2000));
  assertEquals(run.steps.id.length, 2020);
  const counts = run.machines.map(({ chunks }) => lines(chunks).length);
  assertEquals(counts.reduce((sum, count) => sum + count), 100_000);
  const { commands } = record<{ commands: { output: string }[] }>([
    run.steps.chunk.at(-1)!,
    run.steps.record.at(-1)!,
  ]);
  assertMatch(commands[0].output, /the output of job 1999/);
});

Deno.test("a million lines in all reports take a driver less than 100 MB of memory", () =>
  withFolder(async (folder) => {
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        `
        import * as reports from ${JSON.stringify(reports)};
        import { SerialConsole } from ${JSON.stringify(consoles)};
        const log = new reports.Log([
          new reports.TerminalListener(),
          new reports.JunitListener("junit.xml"),
          new reports.HtmlListener("report.html"),
          new reports.EventFileListener("events.jsonl"),
        ]);
        const console = new SerialConsole({ machine: "m", path: "m.log", log });
        const text = Array.from({ length: 1000 }, (_, n) =>
          \`[\${(n / 977).toFixed(6).padStart(12)}] systemd[1]: Started \` +
          \`unit-\${n}.service - Part \${n * 7919 % 1000} of a story.\r\n\`
        );
        const bytes = new TextEncoder().encode(text.join(""));
        for (let round = 0; round < 1000; round++) {
          console.feed(bytes);
          // As it is between two reads of a socket.
          await new Promise((resolve) => setTimeout(resolve));
        }
        console.close();
        await log.close();
        const status = Deno.readTextFileSync("/proc/self/status");
        const most = /^VmHWM:\\s+(\\d+) kB$/m.exec(status)[1];
        Deno.writeTextFileSync("most", most);
        `,
      ],
      cwd: folder,
      stdout: "null",
      // The lines go there.
      stderr: "null",
    }).output();
    assertEquals(code, 0);
    const most = Number(Deno.readTextFileSync(`${folder}/most`)) * 1024;
    assertLess(most, 100e6);
    const { size } = Deno.statSync(`${folder}/m.log`);
    assertLess(Deno.statSync(`${folder}/report.html`).size, size / 10);
  }));

Deno.test("every step that fails is on the page, however many", async () => {
  const { run, record } = await page((log) => {
    const output = "the output of a command\n".repeat(100);
    for (let i = 0; i < 1500; i++) {
      const outer = log.begin(`outer ${i}`);
      const inner = log.begin(`inner ${i}`, { machine: "m" }, outer);
      const error = new Error(`failure ${i}: ${output}`);
      log.end(inner, error);
      log.end(outer, error);
    }
    log.runEnded("passed");
  });
  assertEquals(run.errors.length, 1500);
  assertEquals(run.steps.error.filter((error) => error === 700).length, 2);
  assertMatch(record<string>(run.errors[1499].place), /^failure 1499: the/);
});

/** A run's data, and the events of steps that begin. */
function withLimits(limits: object) {
  const spool = new Spool();
  const data = new RunData(spool, "", limits);
  const add = (event: object) => data.add(event as RunEvent);
  return { spool, data, add, version: () => data.version(spool.count) };
}

Deno.test("steps beyond the limit are counted, and their errors still told", () => {
  const { add, version } = withLimits({ steps: 2 });
  const error = { name: "Error", message: "late" };
  for (let id = 1; id <= 5; id++) {
    add({
      type: "stepBegan",
      time: id,
      id,
      text: `step ${id}`,
      attributes: {},
    });
    add({
      type: "stepEnded",
      ...{ time: id, id, text: "", attributes: {}, duration: 0 },
      error: id === 5 ? error : undefined,
    });
  }
  const { run } = version();
  assertEquals(run.steps.text, ["step 1", "step 2"]);
  assertEquals([run.omittedSteps, run.errors[0].title], [3, "late"]);
});

Deno.test("a page with too long a console has its first and last lines, and the number of the others", () => {
  const { spool, add, version } = withLimits({ lines: 40_000 });
  for (let i = 0; i < 100_000; i++) {
    const text = `${i * 7919 % 100_003} and ${i}`;
    add({ type: "consoleLine", time: i, machine: "m", text });
  }
  const { run: { machines: [{ chunks, omitted }] }, isWanted } = version();
  assertEquals(chunks[0].first, 0);
  const last = chunks.at(-1)!;
  assertEquals(last.first + last.count, 100_000);
  const kept = chunks.reduce((sum, { count }) => sum + count, 0);
  assertEquals(kept + omitted!, 100_000);
  assertLess(kept, 60_000);
  const wanted = Array.from({ length: spool.count }, (_, i) => i)
    .filter(isWanted);
  assertEquals(
    wanted,
    chunks.map(({ chunk }) => chunk).filter((id) => id < spool.count),
  );
});

Deno.test("pictures beyond the limit are linked only", () =>
  withFolder((folder) => {
    const { add, version } = withLimits({ pictures: 1000 });
    for (let i = 0; i < 9; i++) {
      const path = `${folder}/${i}.png`;
      Deno.writeFileSync(path, png(40, 40, i));
      add({ type: "screenshot", time: i, machine: "m", path });
    }
    const { images, shots } = version().run;
    assert(images.length > 0 && images.length < 9);
    assertEquals(shots.length, 9);
    assertEquals(shots[8].image, -1);
  }));

Deno.test("a page that is written while steps run holds those, and is whole", async () => {
  const events = parallel().events;
  const { run } = await pageOf(function* () {
    yield* events.slice(0, 12);
  });
  assertEquals(run.verdict, "unfinished");
  assertEquals(run.steps.took.filter((took) => took >= 0), []);
});

Deno.test("a page that is not finished says so, also after a kill", () =>
  withFolder(async (folder) => {
    const path = `${folder}/report.html`;
    await killed(
      `new Log([new HtmlListener(${JSON.stringify(path)})]).info("begun");`,
    );
    const { document, run } = readPage(Deno.readTextFileSync(path));
    assertEquals(textOf(all(document, "h1")[0]), "unfinished");
    assertEquals(run.verdict, "unfinished");
  }));
