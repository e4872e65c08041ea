import type { Machine } from "../../../mod.ts";
import { cpuOf, pass, timed } from "../clock.ts";
import type { ClassicMachine } from "../classic.ts";
import { type Lab, openLab, setAslr } from "../lab.ts";
import { clockOf } from "../trigger.ts";
import type { Part } from "../part.ts";

/** A wait, what makes it true and what makes it false again. */
interface Wait {
  name: string;
  ours: (machine: Machine) => Promise<unknown>;
  other: (machine: ClassicMachine) => Promise<unknown>;
  /** A line of shell that is done when the thing has just happened. */
  happen: string;
  prepare: string;
}

/** A listener; done when it listens, which it costs no process to see. */
const listen = "{ nc -ll -p 4321 -e true & } >&2; nc=$!; " +
  "until " +
  "{ mapfile -t tcp </proc/net/tcp; mapfile -t tcp6 </proc/net/tcp6; " +
  '[[ "${tcp[*]} ${tcp6[*]}" == *:10E1\\ +([0:])\\ 0A* ]]; }; do :; done';
const unlisten = "kill ${nc-} 2>/dev/null; wait";

/** A condition that costs a process. */
const PROCESS = "grep -q x /tmp/bench";

const processWait: Wait = {
  name: "waitUntilSucceeds, a process",
  ours: (machine) => machine.waitUntilSucceeds(PROCESS),
  other: (machine) => machine.waitUntilSucceeds(PROCESS),
  happen: "echo x >/tmp/bench",
  prepare: ": >/tmp/bench",
};

const waits: Wait[] = [
  {
    name: "waitForFile",
    ours: (machine) => machine.waitForFile("/tmp/bench"),
    other: (machine) => machine.waitForFile("/tmp/bench"),
    happen: ": >/tmp/bench",
    prepare: "rm -f /tmp/bench",
  },
  {
    name: "waitForOpenPort",
    ours: (machine) => machine.waitForOpenPort(4321),
    other: (machine) => machine.waitForOpenPort(4321),
    happen: listen,
    prepare: unlisten,
  },
  {
    name: "waitForClosedPort",
    ours: (machine) => machine.waitForClosedPort(4321),
    other: (machine) => machine.waitForClosedPort(4321),
    happen: unlisten,
    prepare: `${unlisten}; ${listen}`,
  },
  {
    name: "waitUntilSucceeds, a builtin",
    ours: (machine) => machine.waitUntilSucceeds("[ -e /tmp/bench ]"),
    other: (machine) => machine.waitUntilSucceeds("[ -e /tmp/bench ]"),
    happen: ": >/tmp/bench",
    prepare: "rm -f /tmp/bench",
  },
  processWait,
];

/** How soon waits answer after what they wait for. */
export const reaction: Part = {
  name: "reaction",
  async run({ rounds }, tell) {
    await using lab = await openLab();
    const tellOf = async (wait: Wait) => {
      const samples = { ours: [] as number[], other: [] as number[] };
      for (let round = 0; round < rounds; round++) {
        samples.ours.push(await react(lab, wait, () => wait.ours(lab.machine)));
        samples.other.push(
          await react(lab, wait, () => wait.other(lab.classic)),
        );
      }
      tell({
        name: `${wait.name} after its event`,
        unit: "ms",
        ...samples,
        aim: { atMost: 50 },
      });
    };
    const tellProcess = async (how: string, note: string) => {
      const alone: number[] = [];
      for (let round = 0; round < rounds; round++) {
        await pass(500);
        alone.push(await timed(() => lab.machine.succeed(PROCESS)));
      }
      tell({
        name: `that process by itself${how}, after a pause`,
        unit: "ms",
        ours: alone,
        note,
      });
    };
    for (const wait of waits) await tellOf(wait);
    await tellProcess("", "a wait for it can't be sooner");
    await setAslr(lab, false);
    const how = ", without ASLR";
    await tellOf({ ...processWait, name: processWait.name + how });
    await tellProcess(how, "as where QEMU need not translate it at each start");
    await setAslr(lab, true);
    const ours: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const text = `round ${round} said`;
      ours.push(
        await react(lab, {
          prepare: "",
          happen: `echo '${text}' >/dev/ttyS0`,
        }, () => lab.machine.waitForConsoleText(text)),
      );
    }
    tell({
      name: "waitForConsoleText after its event",
      unit: "ms",
      ours,
      aim: { atMost: 50 },
      note: "the classic driver asks without a pause there, on a whole core",
    });
  },
};

/** Milliseconds from the event, by the guest's clock, to the answer. */
export async function react(
  { trigger }: Lab,
  { prepare, happen }: Pick<Wait, "prepare" | "happen">,
  wait: () => Promise<unknown>,
): Promise<number> {
  await trigger.do(prepare);
  const offset = await trigger.clockOffset();
  let answered = 0;
  const waiting = wait().then(() => answered = performance.now());
  // Somewhere between two tries of a second.
  await pass(1200 + Math.random() * 1000);
  const acted = trigger.do(`${happen}; echo $EPOCHREALTIME`);
  const [said] = await Promise.all([acted, waiting]);
  return answered - (clockOf(said) + offset);
}

/** What waiting costs the guest. */
export const waiting: Part = {
  name: "waiting",
  async run({ longRounds }, tell) {
    await using lab = await openLab();
    const { machine, classic, trigger } = lab;
    const span = 5000;
    /** Milliseconds a second that QEMU uses, guest and all. */
    const load = async (begin = () => {}): Promise<number> => {
      begin();
      await pass(1500);
      const before = cpuOf(machine.pid!);
      const began = performance.now();
      await pass(span);
      const used = cpuOf(machine.pid!) - before;
      return used / (performance.now() - began) * 1000;
    };
    for (const wait of waits) {
      const samples = { ours: [] as number[], other: [] as number[] };
      for (let round = 0; round < longRounds; round++) {
        await trigger.do(wait.prepare);
        const idle = await load();
        for (const side of ["ours", "other"] as const) {
          await trigger.do(wait.prepare);
          let waited: Promise<unknown>;
          const used = await load(() => {
            waited = side === "ours" ? wait.ours(machine) : wait.other(classic);
          });
          samples[side].push(Math.max(0, used - idle));
          await trigger.do(wait.happen);
          await waited!;
        }
      }
      tell({
        name: `guest CPU during ${wait.name}`,
        unit: "ms/s",
        ...samples,
        aim: { share: 1 },
        note: "QEMU's processor time above that of the idle guest",
      });
    }
  },
};

/** Waits until a guest has little to do by itself. */
export async function settle(machine: Machine): Promise<void> {
  for (let used = Infinity; used > 50;) {
    const before = cpuOf(machine.pid!);
    await pass(1000);
    used = cpuOf(machine.pid!) - before;
  }
}

/** The wait for a systemd unit. */
export const units: Part = {
  name: "units",
  async run({ longRounds }, tell) {
    await using lab = await openLab("debian");
    const { machine, classic, trigger } = lab;
    await machine.waitForUnit("multi-user.target");
    await settle(machine);
    const samples = { ours: [] as number[], other: [] as number[] };
    const load = { ours: [] as number[], other: [] as number[] };
    for (let round = 0; round < longRounds; round++) {
      for (const side of ["ours", "other"] as const) {
        const unit = await startUnit(lab, `${side}-${round}`);
        let answered = 0;
        const waited = (side === "ours" ? machine : classic)
          .waitForUnit(`${unit}.service`).then(() =>
            answered = performance.now()
          );
        await pass(1500);
        const before = cpuOf(machine.pid!);
        await pass(3000 + Math.random() * 1000);
        const used = cpuOf(machine.pid!) - before;
        load[side].push(used / 3.5);
        await trigger.do(`echo >/tmp/${unit}`);
        await waited;
        samples[side].push(answered - await activeSince(lab, unit));
      }
    }
    tell({
      name: "waitForUnit after its event",
      unit: "ms",
      ...samples,
      note: "a guest with systemd",
    });
    tell({
      name: "guest CPU during waitForUnit",
      unit: "ms/s",
      ...load,
      aim: { share: 1 },
      note: "with what the guest does by itself",
    });
  },
};

/** Starts a unit that is active once a line is written to `/tmp/` and its name. */
export async function startUnit(
  { machine }: Lab,
  name: string,
): Promise<string> {
  const unit = `bench-${name}`;
  await machine.succeed(
    `systemd-run --no-block --unit=${unit} --property=Type=oneshot ` +
      `--remain-after-exit bash -c 'mkfifo /tmp/${unit}; read _ </tmp/${unit}'`,
  );
  await machine.waitForFile(`/tmp/${unit}`);
  return unit;
}

/** When a unit became active, by the clock of `performance.now()`. */
export async function activeSince(
  { machine, trigger }: Lab,
  unit: string,
): Promise<number> {
  const shown = await machine.succeed(
    `systemctl show ${unit} --timestamp=us+utc --property=ActiveEnterTimestamp`,
  );
  const [, day, time] = /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d+)/.exec(shown)!;
  return Date.parse(`${day}T${time}Z`) + await trigger.clockOffset();
}
