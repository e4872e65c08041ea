/**
 * The channel under load: many callers, noise on the console, a guest that is
 * stopped, starved and reset.
 *
 * `VMWRIGHT_LONG=1` runs 10,000 commands instead of 1,000.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Driver, Log, MachineError } from "../../mod.ts";
import { guest } from "../guests/mod.ts";

const COMMANDS = Deno.env.get("VMWRIGHT_LONG") ? 10_000 : 1_000;
const CALLERS = 16;

/** A generator of numbers in [0, 1) that a seed repeats. */
function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

Deno.test("the channel under load", async (t) => {
  const tiny = await guest("tiny");
  await using driver = await Driver.create({
    machines: [{ startCommand: tiny.startScript, allowReboot: true }],
    log: new Log([]),
  });
  const [machine] = driver.machines;
  await machine.connect();

  await t.step(
    `answers ${COMMANDS} commands of ${CALLERS} callers, with noise on the ` +
      "console, each as it should",
    async () => {
      await machine.succeed(
        "touch /noisy; head -c 60000 /dev/zero | tr '\\0' k >/k",
      );
      await machine.execute(
        "( n=0; while [ -e /noisy ] && n=$((n + 1)); do " +
          'printf "noise %d \\033[1m\\0\\377 port vw.1\\n" $n >/dev/hvc0; ' +
          "read -t 0.01 -u 1 _ || :; done ) &",
        { checkOutput: false },
      );
      const seed = Date.now() % 1_000_000;
      const next = random(seed);
      const wrong: string[] = [];
      let started = 0;
      const caller = async () => {
        while (started < COMMANDS) {
          const id = started++;
          const size = Math.floor(next() ** 4 * 60_000);
          const status = Math.floor(next() * 256);
          const seconds = next() < 0.2 ? (next() * 0.05).toFixed(3) : "";
          const [gotStatus, output] = await machine.execute(
            `x=; read -r -N ${size} x </k || :; echo "${id}:$x"; ` +
              (seconds && `read -t ${seconds} -u 1 _ || :; `) +
              `exit ${status}`,
          );
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
      await machine.succeed("rm /noisy");
    },
  );

  await t.step("carries 20 MiB byte for byte", async () => {
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

  await t.step("outlives a stopped QEMU", async () => {
    const running = machine.succeed("read -t 0.2 -u 1 _ || :; echo on");
    Deno.kill(machine.pid!, "SIGSTOP");
    const queued = machine.succeed("echo queued");
    Deno.kill(machine.pid!, "SIGCONT");
    assertEquals([await running, await queued], ["on\n", "queued\n"]);
  });

  await t.step(
    "runs nothing of a command whose time passed on its way",
    async () => {
      // Whatever is cut off, a command begins at each 32nd byte.
      const long = "exit 0; " +
        "00000008serial  empty   >/stale ".repeat(1 << 15);
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
      // Nor does anybody try to make sense of the rest.
      const started = (await machine.succeed(
        "echo $BASHPID; read -t 1 -u 1 _ || :",
        "echo $BASHPID",
      )).trim().split("\n").map(Number);
      assert(started[1] - started[0] < 20, `${started}`);
      await machine.succeed("[ ! -e /stale ]");
    },
  );

  await t.step("outlives a guest that starves for CPU", async () => {
    const [status] = await machine.execute(
      "for i in 1 2 3 4 5 6 7 8; do (while :; do :; done) & done; wait",
      { timeout: 2 },
    );
    assertEquals(status, 124);
    assertEquals(await machine.succeed("echo free"), "free\n");
  });

  await t.step("says so at once when the guest resets", async () => {
    const running = machine.succeed("sleep 1000");
    const failed = assertRejects(() => running, MachineError, "was reset");
    await machine.succeed("true");
    await machine.sendMonitorCommand("system_reset");
    await failed;
    assertEquals(await machine.succeed("echo again"), "again\n");
  });

  await t.step(
    "says so at once when what runs a command is killed",
    async () => {
      await assertRejects(
        () => machine.succeed("kill -KILL $PPID; sleep 1000"),
        MachineError,
        "was killed",
      );
      assertEquals(await machine.succeed("echo on"), "on\n");
    },
  );

  await t.step("answers when a child still holds stdout", async () => {
    assertEquals(await machine.succeed("sleep 1000 & echo first"), "first\n");
    const [, leak] = await machine.execute(
      "(read -t 0.3 -u 1 _; while :; do echo leak; read -t 0.1 -u 1 _; done) & " +
        "echo second",
    );
    assertEquals(leak, "second\n");
    const outputs = await Promise.all(
      Array.from(
        { length: 40 },
        (_, n) => machine.succeed(`read -t 0.05 -u 1 _ || :; echo ${n}`),
      ),
    );
    assertEquals(outputs, outputs.map((_, n) => `${n}\n`));
  });

  await Deno.remove(driver.outDir, { recursive: true });
});
