import { Driver, Log } from "../../../mod.ts";
import { guest } from "../../guests/mod.ts";
import { startBareGuest } from "../bare_guest.ts";
import { timed } from "../clock.ts";
import type { Part } from "../part.ts";

/** Many machines at once. */
export const fleet: Part = {
  name: "fleet",
  async run({ longRounds, machines }, tell) {
    const { startScriptFor } = await guest("tiny", { aslr: true });
    const names = Array.from({ length: machines }, (_, n) => `node${n + 1}`);
    const start = { ours: [] as number[], other: [] as number[] };
    const end = { ours: [] as number[], other: [] as number[] };
    for (let round = 0; round < longRounds; round++) {
      const directory = await Deno.makeTempDir({ prefix: "vmwright-bench-" });
      try {
        const log = new Log([]);
        const driver = await Driver.create({
          machines: names.map((name) => startScriptFor(name)),
          outDir: directory,
          log,
        });
        try {
          start.ours.push(
            await timed(async () => {
              await driver.startAll();
              await Promise.all(driver.machines.map((one) => one.connect()));
            }),
          );
        } finally {
          end.ours.push(await timed(() => driver[Symbol.asyncDispose]()));
        }
        await log.close();

        const began = performance.now();
        const bare = await Promise.all(names.map(async (name) => {
          const place = `${directory}/${name}`;
          await Deno.mkdir(place);
          const one = await startBareGuest(startScriptFor(name), place);
          await one.machine.connect();
          return one;
        }));
        start.other.push(performance.now() - began);
        end.other.push(
          await timed(async () => {
            for (const one of bare) await one.stop();
          }),
        );
      } finally {
        await Deno.remove(directory, { recursive: true });
      }
    }
    tell({
      name: `${machines} machines from their start to all shells ready`,
      unit: "ms",
      ...start,
      against: "QEMUs started by hand all at once, to the shells' greeting",
      aim: { share: 1.15 },
    });
    tell({
      name: `clean-up of ${machines} machines`,
      unit: "ms",
      ...end,
      against: "ending one QEMU after the other",
      aim: { atMost: 300 },
    });
  },
};
