import { Log } from "../../../mod.ts";
import { SerialConsole } from "../../../src/console/mod.ts";
import { childReport } from "../child.ts";
import { ClassicConsole } from "../classic.ts";
import { timed } from "../clock.ts";
import type { Part } from "../part.ts";

/** Text at the end of a long console log, and the cost of its reports. */
export const consoleText: Part = {
  name: "console-text",
  async run({ consoleMegabytes, longRounds }, tell) {
    const directory = await Deno.makeTempDir({ prefix: "vmwright-bench-" });
    const line =
      "[    1.234567] systemd[1]: Started a part of a long story.\r\n";
    const size = 512 * 1024;
    const text = line.repeat(Math.ceil(size / line.length)) +
      "Reached target Multi-User System.\r\n";
    const bytes = new TextEncoder().encode(text);
    const samples = { ours: [] as number[], other: [] as number[] };
    const pattern = /Reached target [\w-]+ System/;
    try {
      const log = new Log([]);
      for (let round = 0; round < longRounds; round++) {
        using console = new SerialConsole({
          machine: "bench",
          path: `${directory}/${round}.log`,
          log,
        });
        const found = console.waitFor(pattern);
        samples.ours.push(
          await timed(async () => {
            for (let at = 0; at < bytes.length; at += 4096) {
              console.feed(bytes.subarray(at, at + 4096));
            }
            await found;
          }),
        );
        const classic = new ClassicConsole();
        samples.other.push(
          await timed(() => {
            for (let at = 0; at < bytes.length; at += 4096) {
              classic.feed(bytes.subarray(at, at + 4096), pattern);
            }
            return Promise.resolve();
          }),
        );
      }
      await log.close();
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
    tell({
      name: "console text at the end of 512 KiB",
      unit: "ms",
      ...samples,
      note: "with the log on disk; a search of every line that comes",
    });
    for (
      const [what, name] of [
        ["lines", "lines"],
        ["one line without an end", "oneLine"],
      ] as const
    ) {
      const ours: number[] = [];
      for (let round = 0; round < longRounds; round++) {
        ours.push((await childReport(name, consoleMegabytes)).peak);
      }
      tell({
        name: `driver memory, ${consoleMegabytes} MiB of console in ${what}`,
        unit: "MiB",
        ours,
        aim: { atMost: 120 },
        note: "with the console's file, terminal, JUnit and page",
      });
    }
  },
};
