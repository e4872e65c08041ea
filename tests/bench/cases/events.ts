import { cpuOf, pass } from "../clock.ts";
import { type Lab, openLab } from "../lab.ts";
import type { Part } from "../part.ts";
import { activeSince, react, settle, startUnit } from "./waits.ts";

/**
 * Ends when inotify(7) reports a file, as a program of a guest's module would
 * do. Perl is in Debian's base, and calls the kernel as a compiled program
 * does: inotify_init1, inotify_add_watch with IN_CREATE.
 */
const inotify = (directory: string, path: string) =>
  `perl -e 'my $fd = syscall(294, 0); my $directory = "${directory}"; ` +
  `syscall(254, $fd, $directory, 256); open(my $events, "<&=", $fd); ` +
  `until (-e "${path}") { sysread($events, my $event, 4096) }'`;

/**
 * Ends when D-Bus reports that a unit is active: systemctl subscribes to its
 * manager, and joins the existing job. A wait must not start a unit, so this is
 * only for comparison.
 */
const dbus = (unit: string) => `systemctl start ${unit}`;

/** How our waits compare with programs that the guest's kernel or manager wakes. */
export const events: Part = {
  name: "events",
  async run({ rounds, longRounds }, tell) {
    await using lab = await openLab("debian");
    const { machine, trigger } = lab;
    await machine.waitForUnit("multi-user.target");
    await settle(machine);

    const path = "/tmp/bench/file";
    await machine.succeed("mkdir /tmp/bench");
    const file = { happen: `: >${path}`, prepare: `rm -f ${path}` };
    const forFile = {
      ours: () => machine.waitForFile(path),
      other: () => machine.succeed(inotify("/tmp/bench", path)),
    };
    const reaction = { ours: [] as number[], other: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      for (const side of ["ours", "other"] as const) {
        reaction[side].push(await react(lab, file, forFile[side]));
      }
    }
    tell({
      name: "waitForFile after its event, beside inotify",
      unit: "ms",
      ...reaction,
      against: "a program that the guest's kernel wakes",
    });
    const load = { ours: [] as number[], other: [] as number[] };
    for (let round = 0; round < longRounds; round++) {
      for (const side of ["ours", "other"] as const) {
        await trigger.do(file.prepare);
        const waited = forFile[side]();
        load[side].push(await loadOf(lab));
        await trigger.do(file.happen);
        await waited;
      }
    }
    tell({
      name: "guest CPU during waitForFile, beside inotify",
      unit: "ms/s",
      ...load,
      against: "a program that the guest's kernel wakes",
      note: "with what a guest with systemd does by itself",
    });

    const unitReaction = { ours: [] as number[], other: [] as number[] };
    const unitLoad = { ours: [] as number[], other: [] as number[] };
    for (let round = 0; round < longRounds; round++) {
      for (const side of ["ours", "other"] as const) {
        const unit = await startUnit(lab, `${side}-${round}`);
        let answered = 0;
        const waited = (side === "ours"
          ? machine.waitForUnit(`${unit}.service`)
          : machine.succeed(dbus(unit))).then(() =>
            answered = performance.now()
          );
        unitLoad[side].push(await loadOf(lab));
        await trigger.do(`echo >/tmp/${unit}`);
        await waited;
        unitReaction[side].push(answered - await activeSince(lab, unit));
      }
    }
    tell({
      name: "waitForUnit after its event, beside D-Bus",
      unit: "ms",
      ...unitReaction,
      against: "systemctl start, which the manager wakes",
    });
    tell({
      name: "guest CPU during waitForUnit, beside D-Bus",
      unit: "ms/s",
      ...unitLoad,
      against: "systemctl start, which the manager wakes",
      note: "with what a guest with systemd does by itself",
    });
  },
};

/** Milliseconds a second that QEMU uses, once a wait is under way. */
async function loadOf({ machine }: Lab): Promise<number> {
  await pass(1500);
  const before = cpuOf(machine.pid!);
  const began = performance.now();
  await pass(5000);
  const used = cpuOf(machine.pid!) - before;
  return used / (performance.now() - began) * 1000;
}
