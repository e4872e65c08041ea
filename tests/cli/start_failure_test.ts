import { assertEquals, assertStringIncludes } from "@std/assert";
import { temporaryDirectory, vmwright } from "./vmwright.ts";

const SCRIPTS: [how: string, text: string][] = [
  ["machine.start()", "const x = 1;\nawait machine.start();\n"],
  ["startAll()", "const x = 1;\nawait startAll();\n"],
  ["succeed()", 'const x = 1;\nawait machine.succeed("true");\n'],
];

for (const [how, text] of SCRIPTS) {
  Deno.test(`if QEMU does not start, ${how} says why on the terminal, in JUnit and on the page`, async () => {
    using directory = temporaryDirectory({
      "test.ts": text,
      "out/x": "",
      "run-web-vm": "#!/bin/sh\n" +
        'exec qemu-system-x86_64 -M pc -m 16 -monitor stdio "$@"\n',
    });
    const { path } = directory;
    const { code, stderr } = await vmwright([
      ...["--start-scripts", "./run-web-vm", "--no-check"],
      ...["--output-dir", "out", "--junit-xml", "junit.xml", "test.ts"],
    ], { cwd: path });
    assertEquals(code, 1);
    const reports = [
      stderr,
      await Deno.readTextFile(`${path}/out/junit.xml`),
      await Deno.readTextFile(`${path}/out/report.html`),
    ];
    for (const report of reports) {
      for (
        const words of [
          "test.ts:2:",
          "web did not start: QEMU ended with status 1, and said last:",
          "cannot use stdio by multiple character devices",
          "take -monitor stdio",
        ]
      ) {
        assertStringIncludes(report, words);
      }
      assertEquals(report.includes("QmpClosed"), false, report);
      assertEquals(report.includes("src/qmp"), false, report);
    }
  });
}
