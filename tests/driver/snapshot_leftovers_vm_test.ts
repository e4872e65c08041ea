/**
 * A driver that is killed while it saves machines, has others go on from there, or
 * makes some ahead, leaves nothing, and has written to no disk of the author's.
 */
import { assertEquals } from "@std/assert";
import { toText } from "@std/streams";
import { writeOverlay } from "../../src/backend/qemu/overlay.ts";
import { gone, processesWith } from "../backend/processes.ts";
import { guest } from "../guests/mod.ts";

const MOD = new URL("../../mod.ts", import.meta.url).href;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;
const MEBIBYTE = 1 << 20;

/** Saves, forks and goes back, again and again, and tells what it begins. */
const SCRIPT = `
import { Driver } from ${JSON.stringify(MOD)};
const [startScript, outDir] = Deno.args;
const driver = await Driver.create({
  machines: [startScript],
  outDir,
  forks: { forks: 4, memory: 2 ** 40, ahead: true },
});
await driver.machines[0].succeed("true");
for (;;) {
  console.log("PHASE save");
  const snapshot = await driver.snapshot();
  console.log("PHASE fork");
  const fork = await snapshot.fork();
  console.log("PHASE ahead");
  await fork.named.machine.succeed("true");
  console.log("PHASE restore");
  await snapshot.restore();
  console.log("PHASE take");
  const taken = await snapshot.fork();
  console.log("PHASE end");
  await fork[Symbol.asyncDispose]();
  await taken[Symbol.asyncDispose]();
  await snapshot[Symbol.asyncDispose]();
}
`;

/** When the driver is killed: milliseconds after it has begun something. */
const MOMENTS: [phase: string, after: number][] = [
  ["save", 30],
  ["save", 120],
  ["fork", 20],
  ["fork", 250],
  ["ahead", 5],
  ["ahead", 150],
  ["restore", 20],
  ["restore", 100],
  ["take", 10],
  ["end", 5],
];
/** Those that every run of the tests has time for. */
const SHORT = MOMENTS.filter((_, index) => index % 2 === 1);

/** Reads all that a program says; tells when it has said a text. */
function listen(stdout: ReadableStream<Uint8Array>, text: string) {
  const { promise: said, resolve } = Promise.withResolvers<void>();
  const over = (async () => {
    let all = "";
    const decoder = new TextDecoder();
    for await (const bytes of stdout) {
      all += decoder.decode(bytes, { stream: true });
      if (all.includes(text)) resolve();
    }
  })();
  return { said, over };
}

const moments = Deno.env.get("VMWRIGHT_LONG") ? MOMENTS : SHORT;
Deno.test("kill -9 of a driver while it saves and forks leaves nothing", async (t) => {
  const { startScriptFor } = await guest("tiny");
  for (const [phase, after] of moments) {
    await t.step({
      name: `${after} ms after the beginning of: ${phase}`,
      sanitizeOps: false,
      sanitizeResources: false,
      sanitizeExit: false,
      fn: async () => {
        const place = await Deno.makeTempDir({ prefix: "vw-kill-" });
        const temporary = `${place}/tmp`;
        await Deno.mkdir(temporary);
        const template = `${place}/template.raw`;
        await Deno.writeFile(template, new Uint8Array(MEBIBYTE).fill(7));
        const empty = `${place}/empty.qcow2`;
        writeOverlay(empty, { path: template, format: "raw", size: MEBIBYTE });
        const before = await Deno.readFile(empty);
        const script = `${place}/run-machine-vm`;
        await Deno.writeTextFile(
          script,
          `#!/bin/sh\n[ -e disk.qcow2 ] || cp ${empty} disk.qcow2\n` +
            `exec ${startScriptFor("machine")} ` +
            "-drive file=disk.qcow2,if=none,id=one,format=qcow2 " +
            '-device virtio-blk,drive=one "$@"\n',
          { mode: 0o755 },
        );
        await Deno.writeTextFile(`${place}/test.ts`, SCRIPT);
        const child = new Deno.Command(Deno.execPath(), {
          args: [
            ...["run", "-A", "--no-check", "--config", CONFIG],
            ...[`${place}/test.ts`, script, `${place}/out`],
          ],
          env: { TMPDIR: temporary, XDG_RUNTIME_DIR: "" },
          stdin: "null",
          stdout: "piped",
          stderr: "piped",
        }).spawn();
        const stderr = toText(child.stderr);
        const { said, over } = listen(child.stdout, `PHASE ${phase}`);
        const early = child.status.then(async ({ code }) => {
          throw new Error(`it ended with status ${code}:\n${await stderr}`);
        });
        early.catch(() => {});
        await Promise.race([said, early]);
        await new Promise((resolve) => setTimeout(resolve, after));
        child.kill("SIGKILL");
        await Promise.all([child.status, stderr, over]);
        await gone(() => processesWith(temporary).length > 0);
        await gone(() => [...Deno.readDirSync(temporary)].length > 0);
        assertEquals(
          await Deno.readFile(template),
          new Uint8Array(MEBIBYTE).fill(7),
        );
        assertEquals(await Deno.readFile(empty), before);
        await Deno.remove(place, { recursive: true });
      },
    });
  }
});
