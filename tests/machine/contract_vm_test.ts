/** What every virtual machine does, whatever runs it. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  type BaseMachine,
  Driver,
  GuestDied,
  Log,
  MachineError,
  type MachineOf,
  type RunEvent,
  TestFailure,
} from "../../mod.ts";
import { kinds } from "../../src/backend/mod.ts";
import { gather } from "../../src/machine/evidence.ts";
import { coreOf } from "../../src/machine/mod.ts";
import { within } from "../../src/time/mod.ts";
import { trials } from "./backends.ts";
import { blocksOf } from "./links/read_pcapng.ts";

for (const trial of trials) {
  Deno.test(`a machine of ${trial.by}`, async (t) => {
    const directory = await Deno.makeTempDir();
    const events: RunEvent[] = [];
    const log = new Log([{ on: (event) => void events.push({ ...event }) }]);
    try {
      const command = await trial.startCommand("web", directory, {
        vlans: [1],
        number: 1,
      });
      await using driver = await Driver.create({
        machines: [command],
        vlans: [1],
        outDir: `${directory}/out`,
        log,
      });
      const [machine]: BaseMachine[] = driver.machines;
      assertEquals([machine.name, machine.backend], ["web", trial.backend]);

      await t.step("starts by itself, and runs commands", async () => {
        assertEquals(await machine.succeed("echo hello"), "hello\n");
        assertEquals(await machine.execute("echo o; exit 7"), [7, "o\n"]);
        const error = await assertRejects(
          () => machine.succeed("echo why >&2; false"),
          TestFailure,
        );
        assertStringIncludes(error.message, "why");
        const [status] = await machine.execute("sleep 100", { timeout: 0.5 });
        assertEquals(status, 124);
        const output = await machine.succeed("seq 200000");
        assertEquals(output.length, 1_288_895);
        const all = Array.from({ length: 20 }, (_, n) => n);
        assertEquals(
          await Promise.all(all.map((n) => machine.succeed(`echo ${n}`))),
          all.map((n) => `${n}\n`),
        );
      });

      await t.step("outlives the children of commands", async () => {
        assertEquals(
          await machine.execute("sleep 1000 & echo left; exit 3"),
          [3, "left\n"],
        );
        assertEquals(
          await machine.succeed("{ sleep 0.3; echo late; } & echo early"),
          "early\nlate\n",
        );
        assertEquals(await machine.succeed("echo >/dev/stdout on"), "on\n");
      });

      await t.step("has a console from the first byte", async () => {
        assertMatch(machine.getConsoleLog(), trial.firstWords);
        await machine.succeed("echo 'said so' >/dev/console");
        await machine.waitForConsoleText(/said so/, { timeout: 60 });
      });

      await t.step("waits in the guest", async () => {
        const wait = machine.waitForFile("/tmp/there");
        await machine.succeed("touch /tmp/there");
        await wait;
      });

      await t.step("has no terminal for a person, or says why", async () => {
        if (kinds[trial.backend].gives.has("consoles")) return;
        const error = await assertRejects(
          () => machine.shellInteract(`unix-listen:${directory}/terminal`),
          MachineError,
        );
        assertMatch(
          error.message,
          /^shellInteract\(\) needs a console that is added while the guest runs, which .* does not give web$/,
        );
      });

      await t.step("carries files and trees both ways", async () => {
        await Deno.mkdir(`${directory}/tree/inner`, { recursive: true });
        const bytes = new Uint8Array(300_000).map((_, n) => n * 7);
        await Deno.writeFile(`${directory}/tree/inner/bytes`, bytes);
        await machine.copyFromHost(`${directory}/tree`, "/tmp/tree");
        await machine.copyFromMachine("/tmp/tree", "back");
        assertEquals(
          await Deno.readFile(`${directory}/out/back/tree/inner/bytes`),
          bytes,
        );
      });

      await t.step("answers when it is no longer paused", async () => {
        const paused = await (machine as MachineOf<"qemu">).pause();
        const answer = machine.succeed("echo on");
        assertEquals(await within(1, answer), undefined);
        await paused.heal();
        assertEquals(await answer, "on\n");
      });

      await t.step(
        "takes non-maskable interrupts, or says why not",
        async () => {
          const virtual = machine as MachineOf<"qemu">;
          if (!kinds[trial.backend].gives.has("interrupt")) {
            const why = "nmi() needs a non-maskable interrupt";
            await assertRejects(() => virtual.nmi(), MachineError, why);
            return;
          }
          const count = "grep -o 'NMI: *[0-9]*' /proc/interrupts | " +
            "grep -o '[0-9]*$'";
          for (let time = 0; time < 2; time++) {
            const before = Number(await machine.succeed(count));
            await virtual.nmi();
            await machine.waitUntilSucceeds(
              `[ "$(${count})" -gt ${before} ]`,
              { timeout: 60 },
            );
          }
        },
      );

      await t.step("has a link with faults", async () => {
        const link = (machine as MachineOf<"qemu">).link(driver.vlans[0]);
        const ping = () =>
          machine.execute("busybox ping -c 1 -W 1 192.168.1.9");
        // The guest also sends what nobody has asked for.
        await using lossy = await link.set({ loss: 1, direction: "send" });
        const capture = await link.capture();
        await ping();
        const { frames, lost } = link.counters().sent;
        assert(lost > 0);
        assertEquals(frames, lost);
        await lossy.heal();
        await capture.heal();
        const healed = link.counters();
        await ping();
        assertEquals(link.counters(), healed);
        const { interfaces, packets } = blocksOf(
          await Deno.readFile(capture.path),
        );
        assertEquals(interfaces, ["web"]);
        assert(packets.length > 0);
      });
      await t.step(
        "goes on after it was saved, and so do its forks",
        async () => {
          await machine.succeed(
            "echo before >/tmp/state; echo a-marker >/dev/console",
          );
          await machine.waitForConsoleText(/a-marker/, { timeout: 60 });
          const running = machine.execute("sleep 0.5; echo waited; exit 3");
          const ready = await driver.snapshot({ name: "ready" });
          const next = machine.succeed("echo after >/tmp/state; echo next");
          assertEquals(await running, [3, "waited\n"]);
          assertEquals(await next, "next\n");

          const forks = await Promise.all([ready.fork(), ready.fork()]);
          const others = forks.map(({ machines: [other] }) => other);
          const numbers = await Promise.all(
            others.map(async (other) => {
              assertEquals(await other.succeed("cat /tmp/state"), "before\n");
              assertStringIncludes(other.getConsoleLog(), "a-marker");
              await other.succeed("echo of-a-fork >/dev/console");
              await other.waitForConsoleText(/of-a-fork/, { timeout: 60 });
              const output = await other.succeed("seq 200000");
              assertEquals(output.length, 1_288_895);
              const guest = Number(await other.succeed("date +%s"));
              assert(Math.abs(guest - Date.now() / 1000) < 60, `${guest}`);
              return await other.succeed("head -c 32 /dev/urandom | base64");
            }),
          );
          assertNotEquals(numbers[0], numbers[1]);
          await using again = await forks[0].snapshot();
          await using fork = await again.fork();
          const text = await fork.machines[0].succeed("cat /tmp/state");
          assertEquals(text, "before\n");
          await Promise.all(forks.map((fork) => fork[Symbol.asyncDispose]()));

          assertEquals(await machine.succeed("cat /tmp/state"), "after\n");
          await ready.restore();
          assertEquals(await machine.succeed("cat /tmp/state"), "before\n");
          await ready[Symbol.asyncDispose]();
        },
      );

      await t.step("leaves its state where a run fails", async () => {
        const kept = new Map<string, string>();
        await gather(coreOf(machine), {
          onEvidence: ({ kind, path }) => void kept.set(kind, path),
          onTrouble() {},
        });
        const state = await Deno.readTextFile(kept.get("state")!);
        const asked = {
          firecracker: "\n==> Firecracker: GET /\n{",
          "cloud-hypervisor": "\n==> Cloud Hypervisor: GET /vm.info\n{",
        }[trial.backend as string];
        assertStringIncludes(state, asked ?? "\n==> QEMU: ");
        if (asked !== undefined) assert(!/query-|QMP/.test(state), state);
        assertMatch(state, /^==> start command$/m);
      });

      await t.step("powers off, and starts again", async () => {
        await machine.shutdown();
        assert(!machine.booted);
        const text = await machine.succeed("cat /tmp/there || echo new");
        assertEquals(text, "new\n");
      });

      await t.step("reboots, or says why it can't", async () => {
        if (!kinds[trial.backend].reboots) {
          const why = "reboot() needs a hypervisor that goes on after a reset";
          await assertRejects(() => machine.reboot(), MachineError, why);
          return;
        }
        await machine.shutdown();
        await machine.start({ allowReboot: true });
        await machine.succeed("touch /tmp/there");
        const { pid } = machine;
        await machine.reboot();
        const text = await machine.succeed("cat /tmp/there || echo new");
        assertEquals([text, machine.pid], ["new\n", pid]);
        await machine.shutdown();
      });

      await t.step("dies of a panic, at once and with its words", async () => {
        const running = machine.succeed("sleep 1000");
        running.catch(() => {});
        // The kernel may be dead before it has told that this has begun.
        await machine.execute("sleep 0.2; echo c >/proc/sysrq-trigger &", {
          checkOutput: false,
        }).catch(() => {});
        const error = await assertRejects(() => running, GuestDied);
        assertStringIncludes(error.message, "Kernel panic");
        await machine.crash();
        assert(!machine.booted);
      });

      await t.step("tells of its hypervisor's end", async () => {
        await machine.connect();
        const running = machine.succeed("sleep 1000");
        running.catch(() => {});
        await machine.succeed("true");
        Deno.kill(machine.pid!, "SIGKILL");
        const error = await assertRejects(() => running, MachineError);
        assertMatch(error.message, /^web ended: .+ was killed by SIGKILL/);
        assert(!machine.booted);
      });
    } finally {
      await log.close();
      await Deno.remove(directory, { recursive: true });
    }
  });
}
