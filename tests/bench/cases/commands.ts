import { ownCpu, timed } from "../clock.ts";
import { openLab, setAslr } from "../lab.ts";
import type { Part } from "../part.ts";

const COMMANDS = 100;
const CALLERS = 8;

/** Many small commands. */
export const commands: Part = {
  name: "commands",
  async run({ rounds }, tell) {
    const sequential = async (one: () => Promise<unknown>) => {
      for (let n = 0; n < COMMANDS; n++) await one();
    };
    const concurrent = async (one: () => Promise<unknown>) => {
      let started = 0;
      await Promise.all(Array.from({ length: CALLERS }, async () => {
        while (started++ < COMMANDS) await one();
      }));
    };
    const byCallers = `by ${CALLERS} callers`;
    const cpu: { ours: number[]; other: number[] } = { ours: [], other: [] };
    for (
      const { how, run, processors = 1, aslr = true, aim } of [
        { how: "in a row", run: sequential, aim: { faster: 5 } },
        { how: "in a row, without ASLR", run: sequential, aslr: false },
        { how: byCallers, run: concurrent, aim: { faster: 10 } },
        {
          how: `${byCallers}, on 2 processors`,
          run: concurrent,
          processors: 2,
          aim: { faster: 10 },
        },
      ]
    ) {
      await using lab = await openLab("tiny", processors);
      await setAslr(lab, aslr);
      const ours = () => lab.machine.succeed("true");
      const other = () => lab.classic.succeed("true");
      await ours();
      await other();
      const samples = { ours: [] as number[], other: [] as number[] };
      for (let round = 0; round < rounds; round++) {
        for (const [side, one] of [["ours", ours], ["other", other]] as const) {
          const before = ownCpu();
          samples[side].push(await timed(() => run(one)));
          cpu[side].push((ownCpu() - before) / COMMANDS * 1000);
        }
      }
      tell({
        name: `${COMMANDS} × succeed("true") ${how}`,
        unit: "ms",
        ...samples,
        aim,
      });
    }
    tell({
      name: "driver CPU per command",
      unit: "µs",
      ...cpu,
      note: "the model has no log, no deadlines and no steps",
    });
  },
};
