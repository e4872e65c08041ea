import { ConsoleLink } from "../../src/shell/console_link.ts";
import { ConsoleWay } from "../../src/shell/console_way.ts";
import { GuestCalls } from "../../src/shell/guest_calls.ts";
import type { Job } from "../../src/shell/job.ts";
import { LeftBehind } from "../../src/shell/left_behind.ts";
import { Liveness } from "../../src/shell/liveness.ts";
import { patienceWith } from "../../src/shell/patience.ts";
import { Pool } from "../../src/shell/pool.ts";
import { Port } from "../../src/shell/port.ts";
import { PortStream } from "../../src/shell/port_stream.ts";
import { StderrPort } from "../../src/shell/stderr_port.ts";
import { type MemoryStream, memoryStream, turn } from "./memory_stream.ts";

const TOKEN = "vw0123456789abcdef012345";

/** The pool of a guest with ports in memory, and its console. */
export interface ManyPorts extends Disposable {
  readonly pool: Pool;
  readonly liveness: Liveness;
  readonly consoleWay: ConsoleWay;
  readonly ports: readonly Port[];
  readonly stderrPorts: readonly StderrPort[];
  /** Why the shell was taken for lost. */
  readonly losses: readonly string[];
  /** Makes a port's server open it, and a runner wait. */
  ready(at: number): Promise<void>;
  /** Has a port's stream bring a code. */
  say(at: number, code: string): Promise<void>;
  /** The names of the ports that are in a state. */
  thatAre(is: Port["is"]): string[];
  /** The commands that were sent to a port. */
  sent(at: number): Promise<string[]>;
  /** What the console was sent, a line each, without what repeats. */
  asked(): Promise<string[]>;
  /** Numbers of the jobs that went over the console. */
  overConsole(): Promise<string[]>;
}

/** Makes a pool with so many ports, and so many for stderr, all idle. */
export function manyPorts(count: number, forStderr = 0): ManyPorts {
  const console = memoryStream();
  const calls = new GuestCalls(new ConsoleLink(console), {
    token: TOKEN,
    numbers: 0,
  });
  const left = new LeftBehind(() => {});
  const losses: string[] = [];
  const streams: MemoryStream[] = [];
  const open = (name: string) => {
    const stream = memoryStream();
    streams.push(stream);
    return new PortStream({ name, stream }, TOKEN);
  };
  const ports = Array.from(
    { length: count },
    (_, n) =>
      new Port(open(`vw.${n}`), {
        calls,
        left,
        changed: () => pool.dispatch(),
        again: (job) => pool.run(job),
      }),
  );
  const stderrPorts = Array.from(
    { length: forStderr },
    (_, n) => new StderrPort(open(`vw.err.${n}`), { calls, left }),
  );
  const liveness: Liveness = new Liveness({
    calls,
    ports,
    jobs: () => consoleWay.underWay,
    heardOfJob: (id, death) => consoleWay.heard(id, death),
    patience: patienceWith(),
    lose: (reason) => void losses.push(reason),
  });
  const consoleWay: ConsoleWay = new ConsoleWay({
    calls,
    left,
    liveness,
    changed: () => pool.dispatch(),
  });
  const pool: Pool = new Pool({
    ports,
    stderrPorts,
    consoleWay,
    onBusy: () => liveness.lookAfter(),
  });
  for (const port of ports) port.found();
  stderrPorts.forEach((port, n) => port.found(`9p${n}`));
  const asked = async () => {
    await turn();
    return console.written.replaceAll("vw_seldom; ", "\n").split("\n")
      .filter((line) => line !== "");
  };
  return {
    pool,
    liveness,
    consoleWay,
    ports,
    stderrPorts,
    losses,
    async ready(at) {
      const starts = (await asked()).findLast((line) =>
        new RegExp(`^vw_(start|pipe) vw\\.${at} \\d+$`).test(line)
      );
      ports[at].opened(starts!.split(" ")[2]);
      await turn();
      await this.say(at, `rdy000000${at}`);
    },
    say: (at, code) => streams[at].come(TOKEN + code.padEnd(10)),
    thatAre: (is) =>
      ports.filter((port) => port.is === is).map(({ name }) => name),
    async sent(at) {
      await turn();
      return [...streams[at].written.matchAll(/pipefail; (.*?)'/g)]
        .map(([, command]) => command);
    },
    asked,
    overConsole: async () =>
      (await asked()).flatMap((line) => /^vw_run (c\d+)/.exec(line)?.[1] ?? []),
    [Symbol.dispose]() {
      liveness.stop();
      for (const port of [...ports, ...stderrPorts]) port.close();
    },
  };
}

/** Has a job's failure be nobody's matter. */
export function unwatched(job: Job): Job {
  job.done.catch(() => {});
  return job;
}
