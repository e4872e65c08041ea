import { turn } from "./memory_stream.ts";

/** Time that passes only when a test has it pass. */
export interface FakeClock extends Disposable {
  /** How many timers there are. */
  readonly timers: number;
  /** Calls all timers that are due in so many seconds, in their order. */
  pass(seconds: number): void;
  /** Lets so many seconds pass in which the driver is stopped. */
  jump(seconds: number): void;
}

/** Lets seconds pass in steps, so that what a timer begins goes on between them. */
export async function passInSteps(
  clock: FakeClock,
  seconds: number,
  step: number,
): Promise<void> {
  for (let n = 0; n < seconds / step; n++) {
    clock.pass(step);
    await turn();
  }
}

interface Timer {
  due: number;
  readonly every?: number;
  readonly fn: () => void;
}

/** Takes the place of the runtime's timers, until it is disposed of. */
export function fakeClock(): FakeClock {
  const names = [
    "setTimeout",
    "clearTimeout",
    "setInterval",
    "clearInterval",
  ] as const;
  const real = names.map((name) => globalThis[name]);
  const realNow = performance.now;
  const began = realNow.call(performance);
  const timers = new Map<number, Timer>();
  let now = 0;
  let next = 1;
  const add = (fn: () => void, ms: number, isAgain: boolean) => {
    timers.set(next, { due: now + ms, every: isAgain ? ms : undefined, fn });
    return next++;
  };
  const remove = (id: number) => void timers.delete(id);
  Object.assign(globalThis, {
    setTimeout: (fn: () => void, ms = 0) => add(fn, ms, false),
    clearTimeout: remove,
    setInterval: (fn: () => void, ms = 0) => add(fn, ms, true),
    clearInterval: remove,
  });
  performance.now = () => began + now;
  return {
    get timers() {
      return timers.size;
    },
    pass(seconds) {
      const end = now + seconds * 1000;
      while (true) {
        const [first] = [...timers].filter(([, { due }]) => due <= end)
          .toSorted(([, a], [, b]) => a.due - b.due);
        if (first === undefined) break;
        const [id, timer] = first;
        now = timer.due;
        if (timer.every === undefined) timers.delete(id);
        else timer.due += timer.every;
        timer.fn();
      }
      now = end;
    },
    jump(seconds) {
      now += seconds * 1000;
      for (const [id, timer] of [...timers]) {
        if (timer.due > now) continue;
        timers.delete(id);
        timer.fn();
      }
    },
    [Symbol.dispose]() {
      names.forEach((name, at) =>
        Object.assign(globalThis, { [name]: real[at] })
      );
      performance.now = realNow;
    },
  };
}
