import { assertEquals, assertMatch } from "@std/assert";
import { Log, XmlListener } from "../../src/report/mod.ts";
import { hostile, unseen } from "./hostile.ts";
import { killed, withFolder } from "./process.ts";
import { randomRun } from "./random_run.ts";
import { all, parse, textOf } from "./well_formed.ts";
import { runWithFullDisk } from "../full_disk.ts";

Deno.test("the XML log has the shape of the NixOS driver's", () =>
  withFolder(async (folder) => {
    const path = `${folder}/log.xml`;
    const log = new Log([new XmlListener(path)]);
    log.info("start");
    await log.subtest("boots", () =>
      log.nested("must succeed: true", () => {
        log.consoleLine("machine", "Linux & co");
      }, { machine: "machine" }));
    await log.close();
    assertEquals(
      Deno.readTextFileSync(path).replace(/in \d\.\d\d/g, "in N"),
      `<?xml version="1.0" encoding="utf-8"?>
<logfile><line>start</line>
<nest><head>subtest: boots</head><nest><head machine="machine">must succeed: true</head><line machine="machine" type="serial">Linux &amp; co</line>
<line machine="machine">(finished: must succeed: true, in N seconds)</line>
</nest><line>(finished: subtest: boots, in N seconds)</line>
</nest></logfile>
`,
    );
  }));

Deno.test("a line is in the nest of its step, also where steps overlap", () =>
  withFolder(async (folder) => {
    const path = `${folder}/log.xml`;
    const log = new Log([new XmlListener(path)]);
    const outer = log.begin("outer");
    const a = log.begin("a", { machine: "m" }, outer);
    const b = log.begin("b", {}, outer);
    log.within(a, () => log.info("in a"));
    log.within(b, () => log.info("in b"));
    log.end(a);
    log.end(b);
    log.end(outer);
    await log.close();
    const nests = all(parse(Deno.readTextFileSync(path)), "nest");
    for (const name of ["a", "b"]) {
      const own = nests.filter((nest) => textOf(all(nest, "head")[0]) === name);
      const lines = own.flatMap((nest) => all(nest, "line")).map(textOf);
      assertEquals(lines[0], `in ${name}`);
      assertEquals(lines[1].startsWith(`(finished: ${name}, in`), true);
      assertEquals(lines.length, 2);
      assertEquals(
        own.map((nest) => all(nest, "head")[0].attributes.continued),
        own.map((_, at) => at === 0 ? undefined : "true"),
      );
    }
  }));

Deno.test("the XML log is well-formed whatever is logged, after every write", () =>
  withFolder(async (folder) => {
    const path = `${folder}/log.xml`;
    for (let seed = 1; seed <= 10; seed++) {
      const log = new Log([new XmlListener(path)]);
      for (let part = 0; part < 5; part++) {
        randomRun(log, seed * 10 + part, 60);
        log.flush();
        parse(Deno.readTextFileSync(path));
      }
      await log.close();
      parse(Deno.readTextFileSync(path));
    }
  }));

Deno.test("ordinary text comes back out of the XML log as it went in", () =>
  withFolder(async (folder) => {
    const path = `${folder}/log.xml`;
    const log = new Log([new XmlListener(path)]);
    const texts = hostile.filter((text) => !unseen.test(text));
    assertEquals(texts.length > 10, true);
    for (const text of texts) log.info(text, { machine: text });
    await log.close();
    const lines = all(parse(Deno.readTextFileSync(path)), "line");
    assertEquals(lines.map(textOf), texts);
    assertEquals(lines.map((line) => line.attributes.machine), texts);
  }));

Deno.test("a killed driver leaves a well-formed XML log with all of its lines", () =>
  withFolder(async (folder) => {
    const path = `${folder}/log.xml`;
    await killed(`
      const log = new Log([new XmlListener(${JSON.stringify(path)})]);
      log.begin("step");
      for (let i = 0; i < 1000; i++) log.consoleLine("m", "line " + i);
    `);
    const lines = all(parse(Deno.readTextFileSync(path)), "line");
    assertEquals(
      lines.map(textOf),
      Array.from({ length: 1000 }, (_, i) => `line ${i}`),
    );
  }));

Deno.test("/dev/null mutes the XML log, a pipe gets it whole", async () => {
  const muted = new Log([new XmlListener("/dev/null")]);
  muted.info("nothing");
  await muted.close();
  const mod = new URL("../../src/report/mod.ts", import.meta.url).href;
  const { stdout } = await new Deno.Command("sh", {
    args: [
      "-c",
      `"$1" eval "$2" | cat`,
      "sh",
      Deno.execPath(),
      `
      import { Log, XmlListener } from ${JSON.stringify(mod)};
      const log = new Log([new XmlListener("/dev/stdout")]);
      log.begin("step");
      await null;
      log.info("text");
      await log.close();
    `,
    ],
  }).output();
  const document = parse(new TextDecoder().decode(stdout));
  assertEquals(textOf(all(document, "line")[0]), "text");
});

Deno.test("the XML log is well-formed, and ends early, where the disk has no more room", () =>
  withFolder(async (folder) => {
    const path = `${folder}/log.xml`;
    const mod = import.meta.resolve("../../src/report/mod.ts");
    const code = `
      import { Log, XmlListener } from "${mod}";
      const log = new Log([new XmlListener("${path}")]);
      await log.nested("outer", () => log.nested("inner", () => {
        for (let at = 0; at < 20_000; at++) log.info("x".repeat(100));
      }));
      await log.close();
    `;
    const { success, stderr } = await runWithFullDisk(code);
    assertEquals(success, true);
    assertMatch(
      new TextDecoder().decode(stderr),
      /^nothing more is written to .*log\.xml: File too large/m,
    );
    const lines = all(parse(Deno.readTextFileSync(path)), "line");
    assertEquals(lines.length > 5000 && lines.length < 10_000, true);
  }));
