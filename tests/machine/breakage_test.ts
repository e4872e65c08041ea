/** The errors of a machine whose channel broke. */
import {
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
} from "@std/assert";
import type { Guest } from "../../src/backend/mod.ts";
import { GuestDied, SerialConsole } from "../../src/console/mod.ts";
import { MachineError } from "../../src/errors.ts";
import { Breakage } from "../../src/machine/breakage.ts";
import { Log } from "../../src/report/mod.ts";
import { ShellLost } from "../../src/shell/mod.ts";
import { fakeClock } from "../shell/fake_clock.ts";
import { turn } from "../shell/memory_stream.ts";

/** What becomes of a lost shell where the process is gone after a while. */
async function told(isEnding: boolean): Promise<string> {
  using clock = fakeClock();
  const path = await Deno.makeTempFile();
  const console = new SerialConsole({
    machine: "web",
    path,
    log: new Log([]),
  });
  try {
    const ended = Promise.withResolvers<string>();
    const reason = new Breakage("web", console).reasonOf(
      new ShellLost("The guest closed its console"),
      {
        guest: { isEnding } as Guest,
        reset: new Promise(() => {}),
      },
      ended.promise,
    );
    await turn();
    clock.pass(60);
    await turn();
    ended.resolve("the guest reset itself");
    const error = await reason;
    assertInstanceOf(error, MachineError);
    return error.message;
  } finally {
    console.close();
    await Deno.remove(path);
  }
}

Deno.test("the process of a guest that is being ended tells the reason, even if it takes long to go", async () => {
  assertEquals(await told(true), "web ended: the guest reset itself");
});

Deno.test("a channel that broke while its process goes on is the reason", async () => {
  assertEquals(await told(false), "The guest closed its console");
});

Deno.test("a guest that has died and was reset since has died", async () => {
  const path = await Deno.makeTempFile();
  const console = new SerialConsole({
    machine: "web",
    path,
    log: new Log([]),
  });
  const died = new GuestDied("web", "Kernel panic", []);
  const error = await new Breakage("web", console).reasonOf(
    new ShellLost(died.message, { cause: died }),
    { guest: {} as Guest, reset: Promise.resolve("web was reset") },
    undefined,
  );
  assertStrictEquals(error, died);
  console.close();
  await Deno.remove(path);
});
