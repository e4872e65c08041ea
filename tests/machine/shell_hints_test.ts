import { assertEquals } from "@std/assert";
import { MicroVmGuest } from "../../src/backend/microvm/guest.ts";
import type { Guest } from "../../src/backend/mod.ts";
import type { SerialConsole } from "../../src/console/mod.ts";
import type { Log } from "../../src/report/mod.ts";
import type { Shell } from "../../src/shell/mod.ts";
import { ShellHints } from "../../src/machine/shell_hints.ts";
import { fakeClock } from "../shell/fake_clock.ts";
import { turn } from "../shell/memory_stream.ts";

/** What is told of a guest without a shell that answers, after 30 seconds. */
async function warningsOf(guest: Guest, shell: Shell): Promise<string[]> {
  using clock = fakeClock();
  const warnings: string[] = [];
  const machine = {
    log: { warning: (text: string) => void warnings.push(text) } as Log,
    attributes: {},
    console: { tail: () => ["it boots"] } as unknown as SerialConsole,
  };
  using _hints = new ShellHints(machine, guest, shell);
  clock.pass(30);
  await turn();
  return warnings;
}

Deno.test("if a microVM's shell does not come, a hint says what to look at", async () => {
  const { shellHint } = MicroVmGuest.prototype;
  const guest = { shellHint } as Guest;
  const shell = { isThere: false, hasDied: false } as Shell;
  assertEquals(await warningsOf(guest, shell), [
    "no shell after 30 seconds: nothing in the guest has taken a connection on " +
    "vsock port 1234; it needs the kernel's driver " +
    "vmw_vsock_virtio_transport, and a service that starts a bash for each " +
    "connection (socat VSOCK-LISTEN:1234,fork EXEC:bash); examples/GUEST.md " +
    "says what a guest needs; its console said last: it boots",
  ]);
});

Deno.test("if a shell has greeted and does not answer, a hint says why that may be", async () => {
  const shell = { isThere: true } as Shell;
  assertEquals(await warningsOf({} as Guest, shell), [
    "no shell after 30 seconds: a shell greeted the driver, but has not run " +
    "what the driver sent yet; it is slow, or has no bash in its PATH; its " +
    "console said last: it boots",
  ]);
});

Deno.test("if a shell has died, a hint does not say that none has ever greeted", async () => {
  const shell = { isThere: false, hasDied: true } as Shell;
  const { shellHint } = MicroVmGuest.prototype;
  assertEquals(await warningsOf({ shellHint } as Guest, shell), [
    "no shell after 30 seconds: the guest's shell died, and no shell has " +
    "greeted the driver since; its console said last: it boots",
  ]);
});
