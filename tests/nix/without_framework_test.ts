import { assertEquals } from "@std/assert";
import { missing, Nix } from "./nix.ts";

Deno.test("a test without the framework", {
  ignore: missing !== undefined,
}, async (t) => {
  await using nix = new Nix();

  /** What an expression about the test's node `server` yields, for a `mkTest` with further arguments. */
  const ask = (what: string, settings = "") =>
    nix.evaluate(`
      let
        test = vmwright.mkTest {
          inherit pkgs;
          testScript = "await startAll();";
          nodes.server = { };
          ${settings}
        };
        inherit (test.nodes) server;
      in ${what}`);

  await t.step(
    "runs its nodes in the QEMU that it is given, whatever the test instrumentation prefers",
    async () => {
      const qemu = "server.virtualisation.qemu.package.name";
      assertEquals(await ask(qemu), "qemu");
      assertEquals(await ask(qemu, "qemu = pkgs.coreutils;"), "coreutils");
    },
  );
});
