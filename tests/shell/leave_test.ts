/** A shell that is left, as for a guest that is saved without connections. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Shell, ShellLost } from "../../src/shell/mod.ts";
import { scriptedGuest } from "./scripted_guest.ts";

const never = new AbortController().signal;

/** Makes the guest end the only command that it got over the console. */
async function end(guest: ReturnType<typeof scriptedGuest>, nr = 1) {
  const sent = await guest.heard("vw_run c", nr);
  const ids = [...sent.matchAll(/vw_run (c\d+) /g)].map(([, id]) => id);
  await guest.answer(`ended ${ids[nr - 1]}`, `done ${ids[nr - 1]} 0`);
}

Deno.test("a shell is left when no command runs, and the next one runs the waiting commands", async () => {
  await using guest = scriptedGuest();
  using shell = new Shell({ console: guest.console });
  await guest.connect(shell);
  const running = shell.run("the first");
  await guest.heard("vw_run c");
  const until = Promise.withResolvers<void>();
  let isLeft = false;
  const leaving = shell.leave(until.promise, never).then(() => isLeft = true);
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals([isLeft, shell.running], [false, "the first"]);
  await end(guest);
  assertEquals((await running).status, 0);
  await leaving;

  assert(shell.connected);
  const next = shell.run("the second");
  const greeted = guest.say("Spawning backdoor root shell...");
  until.resolve();
  await greeted;
  await guest.heard("vw_token=", 2);
  await guest.answer("up 5.2", "found");
  await end(guest, 2);
  assertEquals((await next).status, 0);
  assertEquals(shell.running, undefined);
});

Deno.test("a command that does not end keeps its shell", async () => {
  await using guest = scriptedGuest();
  using shell = new Shell({ console: guest.console });
  await guest.connect(shell);
  const running = shell.run("forever");
  const late = new AbortController();
  const leaving = shell.leave(Promise.resolve(), late.signal);
  await guest.heard("vw_run c");
  late.abort(new Error("too late"));
  await assertRejects(() => leaving, Error, "too late");
  assertEquals(shell.running, "forever");
  await end(guest);
  assertEquals((await running).status, 0);
});

Deno.test("a command that waits for the next shell fails if none comes", async () => {
  await using guest = scriptedGuest();
  using shell = new Shell({ console: guest.console });
  await guest.connect(shell);
  await shell.leave(new Promise(() => {}), never);
  const waiting = shell.run("true");
  shell.close("the guest has ended");
  await assertRejects(() => waiting, ShellLost, "the guest has ended");
});
