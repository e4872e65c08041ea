/** A shell that takes a guest up where another has left it. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type SavedShell, Shell, ShellLost } from "../../src/shell/mod.ts";
import { fakeClock } from "./fake_clock.ts";
import { scriptedGuest } from "./scripted_guest.ts";

/** What a shell knows of a guest with two ports, of which one is ready. */
async function save(): Promise<SavedShell> {
  await using guest = scriptedGuest();
  const ports = [guest.port(), guest.port(), guest.port()];
  using shell = new Shell({
    console: guest.console,
    ports: [
      { name: "vw.0", stream: ports[0] },
      { name: "vw.1", stream: ports[1] },
      { name: "vw.err.0", stream: ports[2] },
    ],
  });
  await guest.connect(shell, "vw.0", "vw.1", "vw.err.0");
  const sent = await guest.heard("vw_start vw.1");
  for (const [, name, mark] of sent.matchAll(/vw_start (vw.\d) (\d+)/g)) {
    await guest.answer(`open ${name} ${mark}`);
    await ports[Number(name.at(-1))].heard(mark);
  }
  const resting = shell.rest();
  // It asks once more, until no port readies.
  await answerWho(guest, "vw", 1);
  await guest.heard(":-new", 2);
  ports[0].say("rdy0000040");
  ports[1].say("rdy0000041");
  await answerWho(guest, "vw", 2);
  await resting;
  return JSON.parse(JSON.stringify(shell.save()));
}

/** Answers the last of so many questions who reads the console. */
async function answerWho(
  guest: ReturnType<typeof scriptedGuest>,
  token: string,
  times: number,
) {
  const sent = await guest.heard(":-new", times);
  const [, question] = [...sent.matchAll(/shell (\d+) \$/g)].at(-1)!;
  await guest.answer(`shell ${question} ${token}`);
}

Deno.test("a shell rests when all ports are ready, and can be saved then", async () => {
  const saved = await save();
  assertMatch(saved.token, /^vw\w{22}$/);
  assertEquals(saved.ports, {
    "vw.0": { is: "ready", outlet: "port", runner: 40 },
    "vw.1": { is: "ready", outlet: "port", runner: 41 },
  });
  assertEquals(saved.stderrPorts, {
    "vw.err.0": { is: "idle", device: "0p3" },
  });
});

Deno.test("a shell does not rest while one command waits until another was taken", async () => {
  await using guest = scriptedGuest();
  using shell = new Shell({ console: guest.console });
  await guest.connect(shell);
  const running = ["one", "two"].map((command) => shell.run(command));
  for (const command of running) command.catch(() => {});
  const [, first] = /; vw_run (c\d+)/.exec(
    await guest.heard("; vw_run "),
  )!;
  let isResting = false;
  const resting = shell.rest().then(() => isResting = true);
  await guest.heard(":-new");
  await guest.answer(`taken ${first}`);
  const sent = await guest.heard("; vw_run ", 2);
  await answerWho(guest, "vw", 1);
  await guest.heard(":-new", 2);
  assertEquals(isResting, false);
  const [, second] = [...sent.matchAll(/; vw_run (c\d+)/g)].map(([, id]) => id);
  await guest.answer(`taken ${second}`);
  await answerWho(guest, "vw", 2);
  await resting;
});

Deno.test("a shell rests though the console lost an answer of it", async () => {
  await using guest = scriptedGuest();
  using clock = fakeClock();
  using shell = new Shell({ console: guest.console });
  await guest.connect(shell);
  const resting = shell.rest();
  await guest.heard(":-new");
  clock.pass(5);
  await guest.heard(":-new", 2);
  clock.pass(9);
  await answerWho(guest, "vw", 2);
  await resting;
  // No timer keeps the process from its end.
  assertEquals(clock.timers, 0);
});

Deno.test("whoever has asked a shell for longest hears of its later answer", async () => {
  await using guest = scriptedGuest();
  using shell = new Shell({ console: guest.console });
  await guest.connect(shell);
  const answers = [shell.answer(), shell.answer()];
  await answerWho(guest, "vw", 2);
  await Promise.all(answers);
});

Deno.test("a saved shell is asked again, if the console lost its answer", async () => {
  const saved = await save();
  await using guest = scriptedGuest(saved.token);
  using clock = fakeClock();
  using shell = new Shell({ console: guest.console, saved });
  const connecting = shell.connect();
  await guest.heard(":-new");
  clock.pass(5);
  await answerWho(guest, saved.token, 2);
  await connecting;
});

Deno.test("a shell that is lost does not rest", async () => {
  await using guest = scriptedGuest();
  using shell = new Shell({ console: guest.console });
  await guest.connect(shell);
  const resting = shell.rest();
  await guest.heard(":-new");
  shell.lose("web was reset");
  await assertRejects(() => resting, ShellLost, "web was reset");
});

Deno.test("a saved shell is used again without a greeting", async () => {
  const saved = await save();
  await using guest = scriptedGuest(saved.token);
  const ports = [guest.port(), guest.port(), guest.port()];
  using shell = new Shell({
    console: guest.console,
    ports: [
      { name: "vw.0", stream: ports[0] },
      { name: "vw.1", stream: ports[1] },
      { name: "vw.err.0", stream: ports[2] },
    ],
    saved,
  });
  const running = shell.run("echo again", { stderr: "separate" });
  await answerWho(guest, saved.token, 1);
  assertMatch(await ports[0].heard("again"), /^40 .*2>\/dev\/vport0p3/);
  ports[0].say("3");
  await guest.heard("vw_drain vw.err.0 end");
  ports[2].say("end");
  assertEquals((await running).status, 3);
  // Nothing was told, nor served, that was there.
  assertEquals(/vw_token=|vw_start/.test(await guest.heard("vw")), false);
  assertEquals(shell.pace, saved.pace);
});

Deno.test("a shell that is not the saved one gets the guest's side", async () => {
  const saved = await save();
  await using guest = scriptedGuest(saved.token);
  using shell = new Shell({ console: guest.console, saved });
  const connecting = shell.connect();
  await answerWho(guest, "new", 1);
  await guest.heard("vw_token=");
  await guest.answer("up 5.2", "found");
  await connecting;
});

Deno.test("a greeting does not lose a saved shell that answers", async () => {
  const saved = await save();
  await using guest = scriptedGuest(saved.token);
  using shell = new Shell({ console: guest.console, saved });
  const connecting = shell.connect();
  await guest.say("Spawning backdoor root shell...");
  await answerWho(guest, saved.token, 1);
  await answerWho(guest, saved.token, 2);
  await connecting;
  assertEquals(shell.connected, true);
});
