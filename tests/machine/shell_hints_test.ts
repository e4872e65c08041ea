import { assertEquals } from "@std/assert";
import { MicroVmGuest } from "../../src/backend/microvm/guest.ts";
import type { Guest } from "../../src/backend/mod.ts";
import type { SerialConsole } from "../../src/console/mod.ts";
import type { Log } from "../../src/report/mod.ts";
import type { Shell } from "../../src/shell/mod.ts";
import { ShellHints } from "../../src/machine/shell_hints.ts";
import { fakeClock } from "../shell/fake_clock.ts";
import { turn } from "../shell/memory_stream.ts";

Deno.test("a microVM whose shell does not come is told what to look at", async () => {
  using clock = fakeClock();
  const warnings: string[] = [];
  const machine = {
    log: { warning: (text: string) => void warnings.push(text) } as Log,
    attributes: {},
    console: { tail: () => ["it boots"] } as unknown as SerialConsole,
  };
  const { shellHint } = MicroVmGuest.prototype;
  const guest = { shellHint } as Guest;
  const shell = { isThere: false } as Shell;
  {
    using _hints = new ShellHints(machine, guest, shell);
    clock.pass(30);
    await turn();
  }
  assertEquals(warnings, [
    "no shell after 30 seconds: nothing in the guest has taken a connection on " +
    "vsock port 1234; it needs the kernel's driver " +
    "vmw_vsock_virtio_transport, and a service that starts a bash for each " +
    "connection (socat VSOCK-LISTEN:1234,fork EXEC:bash); examples/GUEST.md " +
    "says what a guest needs; its console said last: it boots",
  ]);
});
