import { guest } from "../../guests/mod.ts";
import { startBareGuest } from "../bare_guest.ts";
import { ClassicConsole } from "../classic.ts";
import { timed } from "../clock.ts";
import type { Part } from "../part.ts";

/** What the script waits for: each thing happens a moment after it is asked. */
const steps = Array.from({ length: 20 }, (_, n) => {
  const kinds = ["file", "open port", "success", "closed port"] as const;
  return { n, kind: kinds[n % kinds.length], port: 4000 + n };
});

const MOMENT = "sleep 0.2";

/** A command that makes it happen, and does not wait for it. */
function cause({ n, kind, port }: typeof steps[number]): string {
  const quietly = (text: string) => `{ ${text}; } >/dev/null 2>&1 </dev/null &`;
  switch (kind) {
    case "file":
      return quietly(`${MOMENT}; touch /tmp/file${n}`);
    case "success":
      return quietly(`${MOMENT}; echo ready >/tmp/state${n}`);
    case "open port":
      return quietly(`${MOMENT}; exec nc -ll -p ${port} -e true`);
    case "closed port":
      return quietly(`exec nc -ll -p ${port} -e true`) +
        quietly(`${MOMENT}; kill $!`);
  }
}

/** The same script for vmwright. */
const script = steps.map((step) => {
  const command = `await machine.succeed(${JSON.stringify(cause(step))});`;
  const wait = {
    file: `waitForFile("/tmp/file${step.n}")`,
    success: `waitUntilSucceeds("grep -q ready /tmp/state${step.n}")`,
    "open port": `waitForOpenPort(${step.port})`,
    "closed port": `waitForClosedPort(${step.port})`,
  }[step.kind];
  return `${command}\nawait machine.${wait};\n`;
}).join("") + 'await machine.waitForConsoleText("Linux version");\n';

/** A test script of twenty waits, from the process's start to the verdict. */
export const twentyWaits: Part = {
  name: "script",
  async run({ longRounds }, tell) {
    const { startScript } = await guest("tiny", { aslr: true });
    const root = new URL("../../../", import.meta.url).pathname;
    const samples = { ours: [] as number[], other: [] as number[] };
    for (let round = 0; round < longRounds; round++) {
      const directory = await Deno.makeTempDir({ prefix: "vmwright-bench-" });
      try {
        await Deno.writeTextFile(`${directory}/test.js`, script);
        samples.ours.push(
          await timed(async () => {
            const { code, stderr } = await new Deno.Command(Deno.execPath(), {
              args: [
                ...["run", "-A", "--no-check", `${root}cli.ts`],
                ...["--start-scripts", startScript, "-o", directory],
                `${directory}/test.js`,
              ],
              stdin: "null",
            }).output();
            if (code === 0) return;
            throw new Error(new TextDecoder().decode(stderr));
          }),
        );
        samples.other.push(
          await timed(() => classically(startScript, directory)),
        );
      } finally {
        await Deno.remove(directory, { recursive: true });
      }
    }
    tell({
      name: "twenty waits, from process start to verdict",
      unit: "ms",
      ...samples,
      aim: { faster: 2 },
      note: "the model's side without the start of a process",
    });
  },
};

async function classically(
  startScript: string,
  directory: string,
): Promise<void> {
  const console = new ClassicConsole();
  const booted = Promise.withResolvers<void>();
  const guest = await startBareGuest(startScript, directory, (chunk) => {
    if (console.feed(chunk, /Linux version/)) booted.resolve();
  });
  try {
    const { machine } = guest;
    await machine.connect();
    for (const step of steps) {
      await machine.succeed(cause(step));
      switch (step.kind) {
        case "file":
          await machine.waitForFile(`/tmp/file${step.n}`);
          break;
        case "success":
          await machine.waitUntilSucceeds(`grep -q ready /tmp/state${step.n}`);
          break;
        case "open port":
          await machine.waitForOpenPort(step.port);
          break;
        case "closed port":
          await machine.waitForClosedPort(step.port);
          break;
      }
    }
    await booted.promise;
  } finally {
    await guest.stop();
  }
}
