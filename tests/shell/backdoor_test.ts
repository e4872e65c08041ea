/** The guest's shell over a console that loses what it says. */
import { assertEquals, assertRejects } from "@std/assert";
import { Shell, ShellLost } from "../../src/shell/mod.ts";
import { type FakeClock, fakeClock } from "./fake_clock.ts";
import { hostBash } from "./host_bash.ts";
import { lossy } from "./lossy.ts";
import { turn } from "./memory_stream.ts";
import { scriptedGuest } from "./scripted_guest.ts";

const GREETING = "Spawning backdoor root shell...";
const ASKED = 'echo "$vw_token up"';

/** A guest that has greeted and was sent the guest's side. */
async function told() {
  const guest = scriptedGuest();
  const shell = new Shell({ console: guest.console });
  const connecting = shell.connect();
  await guest.say(GREETING);
  const sent = await guest.heard("vw_token=");
  const [, token] = /vw_token=(\w+)/.exec(sent)!;
  return {
    guest,
    answer: (text: string) => guest.say(`${token} ${text}`),
    /** Answers what is missing; no timer stays when the shell is connected. */
    async connects(clock: FakeClock, ...answers: string[]) {
      for (const text of answers) await this.answer(text);
      await connecting;
      assertEquals(clock.timers, 0);
    },
    async [Symbol.asyncDispose]() {
      shell.close();
      await guest[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a shell is asked again whether it has the guest's side", async () => {
  using clock = fakeClock();
  await using test = await told();
  clock.pass(5);
  await test.guest.heard(ASKED);
  clock.pass(10);
  await test.guest.heard(ASKED, 2);
  await test.connects(clock, "up", "found");
});

Deno.test("a shell that does not say that it has the guest's side is sent it again", async () => {
  using clock = fakeClock();
  await using test = await told();
  clock.pass(34.9);
  const sent = await test.guest.heard("vw_token=");
  assertEquals(sent.includes("exec bash"), false);
  clock.pass(0.1);
  await test.guest.heard("exec bash");
  await test.connects(clock, "up 5.2", "found");
});

Deno.test("a guest is asked again which ports it has", async () => {
  using clock = fakeClock();
  await using test = await told();
  await test.answer("up 5.2");
  await turn();
  for (const times of [1, 2]) {
    clock.pass(5 * times);
    await test.guest.heard("vw_find\n", times);
  }
  await test.connects(clock, "found");
});

Deno.test("a greeting loses no shell of whose answers one comes", async (t) => {
  for (const which of [1, 3]) {
    await t.step(`answer ${which} of 3`, async () => {
      await using guest = scriptedGuest();
      using clock = fakeClock();
      using shell = new Shell({ console: guest.console });
      await guest.connect(shell);
      await guest.say(GREETING);
      await guest.heard(":-new");
      clock.pass(5);
      await guest.heard(":-new", 2);
      clock.pass(10);
      const sent = await guest.heard(":-new", 3);
      const questions = [...sent.matchAll(/(vw\w+ shell \d+) \$/g)];
      await guest.say(`${questions[which - 1][1]} vw`);
      await turn();
      assertEquals(clock.timers, 0);
      assertEquals(shell.connected, true);
    });
  }
});

Deno.test("a shell is connected to though the console has lost what it said", async (t) => {
  const bash = ["bash", "--norc", "/dev/stdin"];
  const dash = ["dash", "/dev/stdin"];
  const shells = {
    "a bash": { command: bash, kind: "up", times: 3 },
    "a shell that becomes a bash": { command: dash, kind: "posix", times: 1 },
  };
  for (const [name, { command, kind, times }] of Object.entries(shells)) {
    await t.step(name, async () => {
      await using console = hostBash("mark=kept", command);
      const losing = loses(kind, times);
      using clock = fakeClock();
      const noise: string[] = [];
      using shell = new Shell({
        console: lossy(console, losing.isLost),
        onNoise: (line) => noise.push(line),
      });
      const connecting = shell.connect();
      await losing.has(1);
      clock.pass(5);
      if (times > 1) await losing.has(2);
      clock.pass(10);
      if (times > 1) await losing.has(3);
      clock.pass(20);
      await connecting;
      const { stdout } = await shell.run("echo $BASH_VERSION");
      assertEquals(stdout.length > 3, true);
      // A bash stays the same.
      await shell.send('echo "${mark:-new}"');
      await shell.answer();
      assertEquals(noise.at(-1), command === bash ? "kept" : "new");
    });
  }

  await t.step("or is refused, where there is no bash", async () => {
    await using console = hostBash("PATH=/nonesuch", dash);
    const losing = loses("nobash", 1);
    using clock = fakeClock();
    using shell = new Shell({ console: lossy(console, losing.isLost) });
    const connecting = shell.connect();
    await losing.has(1);
    clock.pass(35);
    await assertRejects(() => connecting, ShellLost, "is not bash");
  });
});

/** Loses so many messages of a kind, and tells of each. */
function loses(kind: string, times: number) {
  let lost = 0;
  let told = Promise.withResolvers<void>();
  return {
    isLost(message: string) {
      if (lost === times || !message.startsWith(kind)) return false;
      lost++;
      told.resolve();
      told = Promise.withResolvers();
      return true;
    },
    async has(count: number) {
      while (lost < count) await told.promise;
    },
  };
}
