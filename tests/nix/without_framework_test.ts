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

  await t.step(
    "puts a driver's VLANs there that its nodes are in",
    async () => {
      const vlans = (settings: string) =>
        nix.evaluate(`
        (vmwright.mkDriver {
          inherit pkgs;
          testScript = "await startAll();";
          nodes.server = {
            system.build.vm = "/server";
            virtualisation = { vlans = [ 1 2 ]; interfaces.lan.vlan = 3; };
          };
          nodes.client.config = {
            system.build.vm = "/client";
            virtualisation.vlans = [ 2 4 ];
          };
          nodes.guest.system.build.vm = "/guest";
          ${settings}
        }).buildCommand`).then((text) =>
          /^ *export vlans=(.*)$/m.exec(text as string)?.[1]
        );
      assertEquals(await vlans(""), "'2 4 1 3'");
      assertEquals(await vlans("vlans = [ 7 ];"), "7");
    },
  );
});
