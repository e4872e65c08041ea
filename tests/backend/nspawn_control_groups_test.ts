import { assertEquals } from "@std/assert";
import { ownGroups } from "../../src/backend/nspawn/control_groups.ts";

const unified =
  "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";

Deno.test("a host with the unified hierarchy has one group for a process", () => {
  assertEquals(ownGroups(unified, "0::/user.slice/a.scope\n"), [
    "/sys/fs/cgroup/user.slice/a.scope",
  ]);
  assertEquals(ownGroups(unified, "0::/\n"), ["/sys/fs/cgroup"]);
});

Deno.test("a host with the older ones has systemd's too", () => {
  const mounts = `25 20 0:20 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
26 25 0:21 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
27 25 0:22 / /sys/fs/cgroup/systemd rw shared:9 - cgroup cgroup rw,name=systemd
28 25 0:23 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
`;
  assertEquals(ownGroups(mounts, "3:name=systemd:/x\n2:cpu:/y\n0::/z\n"), [
    "/sys/fs/cgroup/systemd/x",
    "/sys/fs/cgroup/unified/z",
  ]);
});

Deno.test("only the existing part of a hierarchy counts", () => {
  const mounts = unified.replace(" / ", " /box ");
  assertEquals(ownGroups(mounts, "0::/box/a\n"), ["/sys/fs/cgroup/a"]);
  assertEquals(ownGroups(mounts, "0::/box\n"), ["/sys/fs/cgroup"]);
  assertEquals(ownGroups(mounts, "0::/boxes/a\n"), []);
});
