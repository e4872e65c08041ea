/**
 * The channel under load: many callers, noise on the console, a guest that is
 * stopped, starved and reset.
 *
 * `VMWRIGHT_LONG=1` runs 10,000 commands instead of 1,000.
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Driver, Log, type Machine, MachineError } from "../../mod.ts";
import { delay, within } from "../../src/time/mod.ts";
import { frameOf } from "../../src/shell/program.ts";
import { guest } from "../guests/mod.ts";

const COMMANDS = Deno.env.get("VMWRIGHT_LONG") ? 10_000 : 1_000;
const CALLERS = 16;
/** Seconds after which a step hangs. On a quiet host, none takes a tenth of it. */
const HANGS = 0.6 * COMMANDS;

/** A generator of numbers in [0, 1) that a seed repeats. */
function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Makes the pipe that a guest pauses on: nothing ever comes from there. */
const MAKE_SILENCE = "[ -p /silence ] || mkfifo /silence";

/** What a guest does for so many seconds, without a process. */
function pause(seconds: number | string): string {
  return `read -t ${seconds} _ <>/silence || :`;
}

/** A log that knows what the driver waits for, and what it has warned of. */
function watchfulLog() {
  const waits = new Map<number, string>();
  const warnings: string[] = [];
  const log = new Log([{
    on(event) {
      if (event.type === "stepBegan") waits.set(event.id, event.text);
      if (event.type === "stepEnded") waits.delete(event.id);
      if (event.type === "message" && event.level === "warning") {
        warnings.push(event.text);
      }
    },
  }]);
  /** Waits for the end of what hangs if it does not come. */
  const mustEnd = async (ending: Promise<void>) => {
    ending.catch(() => {});
    const hasEnded = await within(HANGS, ending.then(() => true));
    assert(
      hasEnded,
      `nothing has ended these in ${HANGS} seconds:\n` +
        `${[...waits.values()].join("\n")}\nthe last warnings:\n` +
        warnings.slice(-10).join("\n"),
    );
  };
  return { log, mustEnd };
}

/**
 * Has each of so many callers run a command that says that it has begun, and
 * then does what follows; answers them once all have begun.
 */
async function underWay(
  machine: Machine,
  count: number,
  then: (n: number) => string,
): Promise<Promise<string>[]> {
  await machine.succeed(`rm -rf /begun; mkdir /begun; ${MAKE_SILENCE}`);
  const running = Array.from(
    { length: count },
    (_, n) => machine.succeed(`: >/begun/${n}; ${then(n)}`),
  );
  for (const command of running) command.catch(() => {});
  await machine.succeed(
    `until set -- /begun/*; [ $# = ${count} ]; do ${pause(0.02)}; done`,
  );
  return running;
}

Deno.test("the channel under load", async (t) => {
  const { log, mustEnd } = watchfulLog();
  let hasFailed = false;
  // If a step fails, processes may stay stopped, and each later one would hang.
  const step = async (name: string, fn: () => Promise<void>) => {
    const ignore = hasFailed;
    hasFailed ||= !await t.step({ name, ignore, fn: () => mustEnd(fn()) });
  };
  const tiny = await guest("tiny");
  await using driver = await Driver.create({
    machines: [{ startCommand: tiny.startScript, allowReboot: true }],
    log,
  });
  const [machine] = driver.machines;
  await machine.connect();

  await step(
    `answers ${COMMANDS} commands of ${CALLERS} callers, with noise on the ` +
      "console, each as it should",
    async () => {
      await machine.succeed(
        "touch /noisy; head -c 60000 /dev/zero | tr '\\0' k >/k",
        MAKE_SILENCE,
      );
      await machine.execute(
        "( n=0; while [ -e /noisy ] && n=$((n + 1)); do " +
          'printf "noise %d \\033[1m\\0\\377 port vw.1\\n" $n >/dev/hvc0; ' +
          `${pause(0.01)}; done ) &`,
        { checkOutput: false },
      );
      const seed = Date.now() % 1_000_000;
      const next = random(seed);
      const wrong: string[] = [];
      /** How long each took beyond what it was to take, in seconds. */
      const delays: number[] = [];
      /** How many others were called and answered while each was under way. */
      const overtaken: number[] = [];
      const answered: number[] = [];
      let started = 0;
      const caller = async () => {
        while (started < COMMANDS) {
          const id = started++;
          const began = performance.now();
          const size = Math.floor(next() ** 4 * 60_000);
          const status = Math.floor(next() * 256);
          const seconds = next() < 0.2 ? (next() * 0.05).toFixed(3) : "";
          const [gotStatus, output] = await machine.execute(
            `x=; read -r -N ${size} x </k || :; echo "${id}:$x"; ` +
              (seconds && `${pause(seconds)}; `) +
              `exit ${status}`,
          );
          delays.push((performance.now() - began) / 1000 - Number(seconds));
          overtaken.push(answered.filter((other) => other > id).length);
          answered.push(id);
          const expected = `${id}:${"k".repeat(size)}\n`;
          if (gotStatus !== status || output !== expected) {
            wrong.push(
              `command ${id}: status ${gotStatus} for ${status}, ` +
                `${output.length} bytes for ${expected.length}: ` +
                output.slice(0, 40),
            );
          }
        }
      };
      await Promise.all(Array.from({ length: CALLERS }, caller));
      assertEquals(wrong, [], `seed ${seed}`);
      // A fair share: nobody waits while the others are served over and over.
      assert(
        Math.max(...overtaken) < 20 * CALLERS,
        `seed ${seed}: ${Math.max(...overtaken)} were served before one`,
      );
      const late = 30 + 20 * delays.toSorted((a, b) => a - b)[COMMANDS / 2];
      assert(
        Math.max(...delays) < late,
        `seed ${seed}: one came ${Math.max(...delays)} seconds late`,
      );
      await machine.succeed("rm /noisy");
    },
  );

  await step("carries 20 MiB byte for byte", async () => {
    const sum = await machine.succeed(
      "umount /tmp/shared; head -c 20971520 /dev/urandom >/blob; " +
        "sha256sum </blob",
    );
    // Without the shared directory, a file takes the way of all output.
    await machine.copyFromMachine("/blob");
    const bytes = await Deno.readFile(`${driver.outDir}/blob`);
    const digest = await crypto.subtle.digest("SHA-256", bytes);
    assertEquals(new Uint8Array(digest).toHex(), sum.split(" ")[0]);
    await machine.succeed("rm /blob");
  });

  await step("outlives a stopped QEMU", async () => {
    const running = await underWay(
      machine,
      8,
      (n) => `${pause(0.3)}; echo running ${n}`,
    );
    Deno.kill(machine.pid!, "SIGSTOP");
    let answered = 0;
    // More than there are ports, so that the console takes some.
    const queued = Array.from({ length: 24 }, async (_, n) => {
      const output = await machine.succeed(`echo queued ${n}`);
      answered++;
      return output;
    });
    // Nothing is waited for: that the guest is away for a while is the test.
    await delay(0.7);
    assertEquals(answered, 0);
    Deno.kill(machine.pid!, "SIGCONT");
    assertEquals(
      await Promise.all([...running, ...queued]),
      [
        ...running.map((_, n) => `running ${n}\n`),
        ...queued.map((_, n) => `queued ${n}\n`),
      ],
    );
  });

  await step(
    "runs nothing of a command whose time passed in transit",
    async () => {
      // Whatever is cut off, a frame begins at each 24th byte.
      const frame = new TextDecoder().decode(frameOf(">/stale ", 1));
      const long = "exit 0; " + frame.repeat(1 << 16);
      Deno.kill(machine.pid!, "SIGSTOP");
      const running = machine.execute(long, { timeout: 0.1 });
      const [status] = await Promise.all([
        running,
        new Promise<void>((resolve) =>
          setTimeout(() => {
            Deno.kill(machine.pid!, "SIGCONT");
            resolve();
          }, 300)
        ),
      ]).then(([answer]) => answer);
      assertEquals(status, 124);
      // Nor does anybody try to make sense of the rest, which is thousands of
      // frames: each would take a process.
      const started = (await machine.succeed(
        `echo $BASHPID; ${pause(1)}`,
        "echo $BASHPID",
      )).trim().split("\n").map(Number);
      assert(started[1] - started[0] < 1000, `${started}`);
      await machine.succeed("[ ! -e /stale ]");
    },
  );

  await step("answers while the guest starves for CPU", async () => {
    // Some thirtieth of the CPU is left for all others.
    const loop = "renice -n -10 $BASHPID >/dev/null; : >/starving.$n; " +
      "while [ ! -e /fed ]; do :; done";
    await machine.succeed(`for n in 1 2 3; do (${loop}) & done`);
    for (const n of [1, 2, 3]) await machine.waitForFile(`/starving.${n}`);
    const idle = "read -r _ _ _ _ idle _ </proc/stat; echo $idle";
    const before = await machine.succeed(idle);
    const outputs = await Promise.all(
      Array.from(
        { length: 2 * CALLERS },
        (_, n) => machine.execute(`echo ${n}; exit ${n}`),
      ),
    );
    assertEquals(outputs, outputs.map((_, n) => [n, `${n}\n`]));
    assertEquals(await machine.succeed(idle), before);
    const [status] = await machine.execute("sleep 1000", { timeout: 0.5 });
    assertEquals(status, 124);
    await machine.succeed("touch /fed");
    assertEquals(await machine.succeed("echo fed"), "fed\n");
  });

  await step(
    "reports at once that the server of a command was killed",
    async () => {
      await assertRejects(
        () => machine.succeed("kill -KILL $PPID; sleep 1000"),
        MachineError,
        "was killed",
      );
      assertEquals(await machine.succeed("echo on"), "on\n");
    },
  );

  await step("goes on when waiting runners are killed", async () => {
    await Promise.all([1, 2, 3].map(() => machine.succeed("sleep 0.1")));
    const killed = await machine.succeed(
      `# What serves the console's commands may end meanwhile.
      set +e
      read -r _ _ _ backdoor _ </proc/$PPID/stat
      for server in $(</proc/$backdoor/task/$backdoor/children); do
        [ $server != $PPID ] || continue
        children=/proc/$server/task/$server/children
        runner=$(<$children) || continue
        kill -KILL $runner || continue
        # The next one.
        until [[ $(<$children) != @(|$runner) || ! -e $children ]]; do :; done
        echo $runner
      done`,
      { timeout: 300 },
    );
    assert(killed.trim().split("\n").length >= 2, killed);
    const outputs = await Promise.all(
      Array.from(
        { length: CALLERS },
        (_, n) => machine.execute(`sleep 0.1; echo ${n}`, { timeout: 60 }),
      ),
    );
    assertEquals(outputs, outputs.map((_, n) => [0, `${n}\n`]));
  });

  await step(
    "runs a command again whose runner was killed before it had read it",
    async () => {
      const stopped = (await machine.succeed(
        `# What serves the console's commands may end meanwhile.
      set +e
      read -r _ _ _ backdoor _ </proc/$PPID/stat
      for server in $(</proc/$backdoor/task/$backdoor/children); do
        [ $server != $PPID ] || continue
        for child in $(</proc/$server/task/$server/children); do
          # Who copies a pipe reads that.
          [ -p /proc/$child/fd/0 ] || ! kill -STOP $child || echo $child
        done
      done`,
      )).match(/\d+/g) ?? [];
      assert(stopped.length >= 1, "nobody was stopped");
      // One more, so that one is served by who was not stopped.
      const running = Array.from(
        { length: stopped.length + 1 },
        (_, n) => machine.succeed(`echo ${n}`, { timeout: 60 }),
      );
      await Promise.any(running);
      // So many that one of them is served by who was not stopped.
      const killing = running.map(() =>
        machine.succeed(`kill -KILL ${stopped.join(" ")} 2>/dev/null || :`)
      );
      await Promise.all(killing);
      assertEquals(
        await Promise.all(running),
        running.map((_, n) => `${n}\n`),
      );
    },
  );

  await step("answers when a child still holds stdout", async () => {
    assertEquals(await machine.succeed("sleep 1000 & echo first"), "first\n");
    const [, leak] = await machine.execute(
      `(until [ -e /answered ]; do ${pause(0.1)}; done; ` +
        `while :; do echo leak; ${pause(0.1)}; done) & echo second`,
    );
    assertEquals(leak, "second\n");
    await machine.succeed("touch /answered");
    const outputs = await Promise.all(
      Array.from(
        { length: 40 },
        (_, n) => machine.succeed(`${pause(0.05)}; echo ${n}`),
      ),
    );
    assertEquals(outputs, outputs.map((_, n) => `${n}\n`));
  });

  for (
    const { name, reset, reason } of [
      {
        name: "resets",
        reset: () => machine.sendMonitorCommand("system_reset"),
        reason: /^tiny was reset/,
      },
      {
        name: "reboots",
        reset: () => machine.reboot(),
        reason: /^tiny (reboots|was reset)/,
      },
      {
        name: "crashes",
        reset: async () => {
          await machine.crash();
          await machine.start();
        },
        reason: /^tiny ended/,
      },
    ]
  ) {
    await step(
      `tells every caller at once when the guest ${name}, and serves them ` +
        "once it is back",
      async () => {
        const running = await underWay(machine, CALLERS, () => "sleep 1000");
        // No time for these to begin before the guest is gone.
        const queued = Array.from(
          { length: CALLERS },
          () => machine.succeed("sleep 1000"),
        );
        const again = [...running, ...queued].map(async (command, n) => {
          const error = await assertRejects(() => command, MachineError);
          assertMatch(error.message, reason);
          return await machine.succeed(`echo ${n}`);
        });
        await reset();
        assertEquals(await Promise.all(again), again.map((_, n) => `${n}\n`));
      },
    );
  }

  await Deno.remove(driver.outDir, { recursive: true });
});
