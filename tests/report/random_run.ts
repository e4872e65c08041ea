import type { Log, Step } from "../../src/report/mod.ts";
import { hostile, numbers } from "./hostile.ts";

/** Logs a run made of hostile texts, steps that overlap and ends in any order. */
export function randomRun(log: Log, seed: number, events = 300): void {
  const random = numbers(seed);
  const pick = <T>(from: readonly T[]): T =>
    from[Math.floor(random() * from.length)];
  // The longest text not too often, for the tests' time.
  const text = () =>
    random() < 0.01 ? pick(hostile) : pick(hostile.slice(0, -1));
  const open: Step[] = [];
  for (let i = 0; i < events; i++) {
    const parent = random() < 0.7 ? open.at(-1) : pick(open);
    const attributes = { machine: pick(["a", "b", text()]), image: text() };
    switch (Math.floor(random() * 8)) {
      case 0:
        open.push(log.begin(text(), attributes, parent));
        break;
      case 1:
        open.push(log.beginSubtest(text(), parent));
        break;
      case 2:
      case 3: {
        const [step] = open.splice(Math.floor(random() * open.length), 1);
        if (step === undefined) break;
        log.end(step, random() < 0.3 ? new Error(text()) : undefined);
        break;
      }
      case 4:
        log.within(parent, () => log.info(text(), attributes));
        break;
      case 5:
        log.within(parent, () => log.error(text(), { [text()]: text() }));
        break;
      case 6:
        log.consoleLine(pick(["a", "b", text()]), text());
        break;
      case 7:
        log.within(parent, () => log.screenshot(text(), text()));
        break;
    }
  }
}
