import { assertEquals } from "@std/assert";
import { meantUnit } from "../../../src/machine/waits/units.ts";

Deno.test("a unit that was misspelt is found among the unit files", () => {
  const files = [
    "/etc/systemd/system/nginx.service",
    "/lib/systemd/system/nginx.socket",
    "/lib/systemd/system/rc.service",
    "/lib/systemd/system/multi-user.target",
  ];
  assertEquals(meantUnit("ngnix", files), "nginx.service");
  assertEquals(meantUnit("ngnix.service", files), "nginx.service");
  assertEquals(meantUnit("nginxs.socket", files), "nginx.socket");
  assertEquals(meantUnit("multiuser.target", files), "multi-user.target");
  assertEquals(meantUnit("multi-user", files), "multi-user.target");
  // Whatever the suffixes have in common.
  assertEquals(meantUnit("a b", files), undefined);
  assertEquals(meantUnit("nginx.target", files), undefined);
});
