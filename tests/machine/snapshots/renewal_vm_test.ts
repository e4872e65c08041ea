import { assert, assertEquals } from "@std/assert";
import { booted } from "../booted.ts";

/** Leaves the driver no place in the guest for a program of its own. */
const NO_PLACE = `
umount /tmp/shared
for place in /run /dev/shm /tmp /var/tmp; do
  mkdir -p $place
  mount -t tmpfs -o noexec none $place
done
mkdir /tmp/shared
mount -t 9p -o trans=virtio,version=9p2000.L shared /tmp/shared
mount -o remount,ro /
`;

Deno.test("a guest that can't run the driver's program is renewed by its own programs", async (t) => {
  await using test = await booted({
    forks: { forks: 3, memory: 2 ** 40, ahead: true },
  });
  const { driver, machine, events } = test;
  await machine.succeed(NO_PLACE);
  await machine.succeed("date -s '2001-01-01 00:00:00'");
  await using snapshot = await driver.snapshot();
  await machine.succeed("grep 9p.*/tmp/shared /proc/mounts || mount >&2");
  await using first = await snapshot.fork();
  // This one waited before it was asked for.
  await using second = await snapshot.fork();

  await t.step("its clock is set", async () => {
    for (const { named: { tiny } } of [first, second]) {
      const seconds = Number(await tiny.succeed("date +%s"));
      assert(Math.abs(seconds - Date.now() / 1000) < 600, `${seconds}`);
    }
  });

  await t.step("its share is mounted", async () => {
    for (const { named: { tiny } } of [first, second]) {
      await tiny.succeed("echo shared >/tmp/shared/file");
      const path = `${tiny.sharedDir}/file`;
      assertEquals(await Deno.readTextFile(path), "shared\n");
    }
  });

  await t.step("a warning says what none of its programs can do", () => {
    const warned = events.flatMap((event) =>
      event.type === "message" && event.level === "warning" &&
        event.text.includes("the same random numbers")
        ? [event.machine]
        : []
    );
    assertEquals(warned, ["tiny~1", "tiny~2"]);
  });

  await t.step("its clock stays where the test wants that", async () => {
    await using kept = await snapshot.fork({ keepClock: true });
    assertEquals(await kept.named.tiny.succeed("date +%Y"), "2001\n");
  });
});
