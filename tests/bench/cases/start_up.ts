import { childrenCpu } from "../clock.ts";
import type { Part } from "../part.ts";

/** What the classic driver imports from Python's standard library at its start. */
const IMPORTS =
  "argparse, base64, codecs, contextlib, datetime, dataclasses, " +
  "io, json, logging, os, pathlib, queue, re, select, " +
  "shlex, shutil, signal, socket, subprocess, sys, tempfile, threading, " +
  "time, types, typing, unicodedata, unittest, xml.sax.saxutils";

/**
 * What it imports besides: a prompt, colours, JUnit. Debian has them in the
 * packages `ptpython`, `python3-colorama` and `python3-junit.xml`.
 */
const MODULES = ["ptpython.repl", "colorama", "junit_xml"];

/** From the start of the process to the first QEMU. */
export const startUp: Part = {
  name: "start-up",
  async run({ rounds }, tell) {
    const directory = await Deno.makeTempDir({ prefix: "vmwright-bench-" });
    try {
      const root = new URL("../../../", import.meta.url).pathname;
      await run(Deno.execPath(), [
        ...["bundle", "--quiet", "--platform=deno", "--format=esm"],
        ...[`--output=${directory}/cli.js`, `${root}cli.ts`],
      ], root);
      const stamp = `${directory}/stamp`;
      const script = `${directory}/run-stamp-vm`;
      await Deno.writeTextFile(
        script,
        `#!/bin/bash\nprintf %s $EPOCHREALTIME >${stamp}\nexit 1\n`,
        { mode: 0o755 },
      );
      await Deno.writeTextFile(
        `${directory}/test.js`,
        "await stamp.start();\n",
      );
      const { python, modules } = await findPython();
      const sides = {
        ours: [Deno.execPath(), [
          ...["run", "-A", "--no-check", `${directory}/cli.js`],
          ...["--start-scripts", script, "-o", directory],
          `${directory}/test.js`,
        ]],
        other: [python, [
          "-c",
          `import ${[IMPORTS, ...modules].join(", ")}\n` +
          `subprocess.run(["/bin/sh", "-c", "${script}"])`,
        ]],
      } as const;
      const wall = { ours: [] as number[], other: [] as number[] };
      const cpu = { ours: [] as number[], other: [] as number[] };
      for (let round = 0; round < 3 * rounds; round++) {
        for (const side of ["ours", "other"] as const) {
          const [program, args] = sides[side];
          const cpuBefore = childrenCpu();
          const began = performance.timeOrigin + performance.now();
          await new Deno.Command(program, {
            args: [...args],
            cwd: directory,
            stdin: "null",
            stdout: "null",
            stderr: "null",
          }).output();
          const stamped = Number(await Deno.readTextFile(stamp)) * 1000;
          // The first run fills caches.
          if (round === 0) continue;
          wall[side].push(stamped - began);
          cpu[side].push(childrenCpu() - cpuBefore);
        }
      }
      const missing = MODULES.filter((name) => !modules.includes(name));
      const against = "Python importing what the classic driver imports" +
        (missing.length === 0 ? "" : ` (but ${missing.join(", ")})`) +
        ", and starting a process";
      tell({
        name: "process start to first QEMU spawned",
        unit: "ms",
        ...wall,
        against,
        aim: { atMost: 70 },
        note: "the classic driver itself takes 280 ms to answer --help",
      });
      tell({
        name: "CPU of a run whose QEMU ends at once",
        unit: "ms",
        ...cpu,
        against,
        note: "with clean-up and exit",
      });
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
};

/** The Python that has most of what the classic driver imports. */
async function findPython(): Promise<{ python: string; modules: string[] }> {
  const probe = [
    "import importlib.util as u, sys",
    "print(sys.executable)",
    `for name in ${JSON.stringify(MODULES)}:`,
    "    if u.find_spec(name.split('.')[0]): print(name)",
  ].join("\n");
  const found = [];
  for (const name of ["python3", "/usr/bin/python3"]) {
    const [program, ...modules] = (await run(name, ["-c", probe])).trim()
      .split("\n");
    found.push({ python: await Deno.realPath(program), modules });
  }
  return found.reduce((most, one) =>
    one.modules.length > most.modules.length ? one : most
  );
}

async function run(
  program: string,
  args: string[],
  cwd?: string,
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd,
  }).output();
  if (!success) {
    throw new Error(`${program} failed: ${new TextDecoder().decode(stderr)}`);
  }
  return new TextDecoder().decode(stdout);
}
