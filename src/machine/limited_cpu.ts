import { TestFailure, UsageError } from "../errors.ts";
import { decode } from "./commands/output.ts";
import type { MachineCore } from "./core.ts";
import type { Fault } from "./faults.ts";

/** Seconds that a guest may take to set a limit. */
const TIMEOUT = 120;
/** Microseconds of which a limit leaves a guest a part. */
const PERIOD = 100_000;
/** The smallest share: systemd counts in whole percents of a processor. */
const LEAST = 0.01;

/** Sets `$count` to the number of the guest's processors. */
const COUNT = "count=0; while read -r name _; do " +
  "case $name in cpu[0-9]*) count=$((count + 1));; esac; done </proc/stat";

/**
 * Limits systemd's slices, which hold all of a guest but systemd itself, to
 * `$quota` microseconds of a period. Prints the limits that they had before.
 */
const LIMIT_SLICES = `
told= has=
for slice in system.slice user.slice machine.slice; do
before=$(systemctl show --property=CPUQuotaPerSecUSec --value $slice) &&
systemctl set-property --runtime $slice CPUQuota=$((quota * 100 / ${PERIOD}))% || exit
told="$told$slice $before
"
done
for file in /sys/fs/cgroup/system.slice/cpu.max \\
/sys/fs/cgroup/cpu*/system.slice/cpu.cfs_quota_us; do
[ ! -e "$file" ] || has=1
done
if [ -z "$has" ]; then
for slice in system.slice user.slice machine.slice; do
systemctl set-property --runtime $slice CPUQuota=
done
echo "it has no control groups for processor time"
exit 1
fi
printf %s "$told"`;

/** Moves all processes of a control group to another. Kernel threads stay. */
const MOVE = `
move() {
for round in 1 2 3 4 5 6 7 8 9 10; do
moved=
while read -r pid; do
[ "$pid" = 0 ] || ! echo "$pid" >"$2/cgroup.procs" || moved=1
done <"$1/cgroup.procs"
[ -n "$moved" ] || break
done 2>/dev/null
}`;

/** The same without systemd. Prints the directory of the control groups. */
const LIMIT_ALL = `
root=/sys/fs/cgroup
if [ ! -e $root/cgroup.controllers ]; then
root=/tmp/vmwright-cgroup
mkdir -p $root && { [ -e $root/cgroup.controllers ] || mount -t cgroup2 none $root; } || exit
fi
echo +cpu >$root/cgroup.subtree_control && mkdir -p $root/vmwright &&
echo "$quota ${PERIOD}" >$root/vmwright/cpu.max || exit
${MOVE}
move $root $root/vmwright
echo $root`;

/** Ends that. */
const FREE_ALL = (root: string) => `
root=${root}
${MOVE}
move $root/vmwright $root
rmdir $root/vmwright
[ $root = /sys/fs/cgroup ] || { umount $root && rmdir $root; }`;

/** A guest whose processor time is limited. */
interface Limited {
  /** The shares that are left to it, of each limit. */
  readonly shares: number[];
  /** The last change, which the next one waits for. */
  turn: Promise<void>;
  /** The boot in which it was limited, and how that ends there. */
  end?: { boot: string; script: string };
}

const all = new WeakMap<MachineCore, Limited>();

/**
 * Leaves a guest a part of its processors' time.
 *
 * @param share The part, below 1.
 */
export async function limitCpu(
  core: MachineCore,
  share: number,
): Promise<Fault> {
  if (typeof share !== "number" || !(share >= LEAST && share < 1)) {
    throw new UsageError(
      `Expected the share of its processors' time that is left to ${core.name}, ` +
        `from ${LEAST} to below 1, got ${Deno.inspect(share)}`,
    );
  }
  await core.ready();
  const limited = all.get(core) ?? { shares: [], turn: Promise.resolve() };
  all.set(core, limited);
  limited.shares.push(share);
  const forget = () => {
    limited.shares.splice(limited.shares.indexOf(share), 1);
    return settle(core, limited);
  };
  try {
    await settle(core, limited);
  } catch (error) {
    await forget().catch(() => {});
    throw error;
  }
  return core.faults.begin({
    text: `processors: ${
      Number((share * 100).toFixed(1))
    } % of their time left`,
    machine: core.label,
    undo: forget,
  });
}

/** Applies the smallest share; one change after the other. */
function settle(core: MachineCore, limited: Limited): Promise<void> {
  const turn = limited.turn.then(() => settleNow(core, limited));
  limited.turn = turn.catch(() => {});
  return turn;
}

async function settleNow(core: MachineCore, limited: Limited): Promise<void> {
  // A guest that has ended has no limits at its next boot.
  if (!core.connected) return;
  const run = async (script: string) => {
    const { status, stdout } = await core.run(
      `( read -r boot </proc/sys/kernel/random/boot_id; ${script} )`,
      { stderr: "merge", timeout: TIMEOUT },
    );
    const said = decode(stdout).trim();
    if (status === 0) return said;
    throw new TestFailure(
      `the processor time of ${core.name} can't be limited: ${
        said || `status ${status}`
      }`,
    );
  };
  const { end } = limited;
  if (limited.shares.length === 0) {
    limited.end = undefined;
    if (end === undefined) return;
    await run(`[ "$boot" = ${end.boot} ] || exit 0\n${end.script}`);
    return;
  }
  const part = Math.round(Math.min(...limited.shares) * PERIOD);
  const said = await run(
    `${COUNT}; quota=$((count * ${part}))
    if [ -d /run/systemd/system ]; then ${LIMIT_SLICES}
    else ${LIMIT_ALL}
    fi
    echo $boot`,
  );
  const lines = said.split("\n");
  const boot = lines.pop()!;
  // A value that another limit has set was not there before.
  if (end?.boot === boot) return;
  const script = lines[0].startsWith("/")
    ? FREE_ALL(lines[0])
    : lines.map((line) => {
      const [slice, ...before] = line.split(" ");
      return `systemctl set-property --runtime ${slice} CPUQuota=${
        percent(before)
      }`;
    }).join(" && ");
  limited.end = { boot, script };
}

/** A time of a second, as systemd writes it, as a share; nothing for no limit. */
function percent(words: readonly string[]): string {
  const units: Record<string, number> = { us: 1, ms: 1e3, s: 1e6, min: 6e7 };
  let sum = 0;
  for (const word of words) {
    const [, number, unit] = /^([\d.]+)([a-z]+)$/.exec(word) ?? [];
    if (number === undefined) return "";
    sum += Number(number) * units[unit];
  }
  return `${Math.round(sum / 1e4)}%`;
}
