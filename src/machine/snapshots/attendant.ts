import { decode } from "../commands/output.ts";
import type { MachineCore } from "../core.ts";
import { aarch64 } from "./aarch64.ts";
import {
  ANSWERS,
  type Call,
  type MachineCode,
  MOST,
  TOLD,
} from "./machine_code.ts";
import type { Share } from "./shares.ts";
import { x86_64 } from "./x86_64.ts";

/** The name of the process in the guest, with the number of its parent after it. */
const NAME = ".vw-attend";
/** Seconds that a guest may take for any of this. */
const TIMEOUT = 60;
/** Bytes that are added to the pool of random numbers. */
const SEED = 32;
/** The program's address in memory. */
const BASE = 0x10000;
/** Bytes of the headers before the program. */
const HEADERS = 64 + 56;
/** The other ends of the pipes to it and from it. */
const HEARS = 4, IS_HEARD = 5;
/**
 * The requests of ioctl(2) to add to the pool, and to take new numbers from it.
 */
const ADD_ENTROPY = 0x40085203, RESEED = 0x5207;
/** The arguments of the kernel's calls, as its headers name them. */
const AT_FDCWD = -100, O_WRONLY = 1, CLOCK_REALTIME = 0, PRIO_PROCESS = 0;
/** The priority of a process that is as high as nice values go. */
const HIGHEST = -20;
/** What mount(2) has for options of mount(8). */
const MOUNT_FLAGS: Readonly<Record<string, number>> = {
  rw: 0,
  ro: 1,
  nosuid: 2,
  nodev: 4,
  noexec: 8,
  sync: 16,
  mand: 64,
  dirsync: 128,
  noatime: 1024,
  nodiratime: 2048,
  relatime: 1 << 21,
  strictatime: 1 << 24,
};

/**
 * A process of the driver's in a guest that waits for what it is to do. It is
 * plain data, since kept snapshots have it in a file.
 */
export interface Attendant {
  /** Its number in the guest. */
  readonly pid: number;
  /** Its name. */
  readonly name: string;
  /** The guest's processor, as bash names it in `HOSTTYPE`. */
  readonly hostType: string;
}

/** What an {@linkcode Attendant} is to do. */
export interface Renewal {
  /** Whether the guest gets random numbers of its own. */
  readonly stir?: boolean;
  /** The time to set, in milliseconds since 1970. */
  readonly milliseconds?: () => number;
  /**
   * Whether it sets the clock to the time that the clock has, so that the guest
   * does what it does whenever its clock is set.
   */
  readonly rehearsesClock?: boolean;
  /** The shares to mount. */
  readonly shares: readonly Share[];
  /** Whether it waits for more then, and does not end. */
  readonly stays?: boolean;
}

/** What an {@linkcode Attendant} did not manage to do. */
export interface Undone {
  readonly stir: boolean;
  readonly clock: boolean;
  readonly shares: boolean;
}

/**
 * Starts an attendant. A guest that goes on from a snapshot is slow to start any
 * program, most of all without KVM, where QEMU has translated none of its code yet.
 * This one has been started before the snapshot, and needs no file.
 *
 * @returns Nothing for a guest of another processor, or that lets nobody start it.
 */
export async function attend(
  core: MachineCore,
): Promise<Attendant | undefined> {
  const { status, stdout } = await core.run(START, {
    stderr: "merge",
    timeout: TIMEOUT,
  });
  if (status !== 0) return undefined;
  const [pid, name, hostType] = decode(stdout).trim().split(" ");
  return { pid: Number(pid), name, hostType };
}

/**
 * Gives an attendant an order.
 *
 * @returns Its answer; nothing if the attendant is gone.
 */
export async function instruct(
  core: MachineCore,
  { pid, name, hostType }: Attendant,
  renewal: Renewal,
): Promise<Undone | undefined> {
  const code = CODES.find((code) => code.hostType === hostType);
  if (code === undefined) return undefined;
  const { status, stdout } = await core.run(
    `set +eu
{ read -r name </proc/${pid}/comm && [ "$name" = '${name}' ] &&
  # It may answer and end before anything else is done here.
  { printf %b '${quoted(ordersFor(code, renewal))}' >/proc/${pid}/fd/${HEARS} &&
    read -r undone; } </proc/${pid}/fd/${IS_HEARD}; } 2>/dev/null &&
  echo "$undone"`,
    { stderr: "merge", timeout: TIMEOUT },
  );
  if (status !== 0) return undefined;
  const undone = Number(decode(stdout));
  return {
    stir: (undone & UNSTIRRED) !== 0,
    clock: (undone & UNSET) !== 0,
    shares: (undone & UNMOUNTED) !== 0,
  };
}

/** The processors that an attendant runs on. */
const CODES: readonly MachineCode[] = [x86_64, aarch64];

/** The bits of the attendant's answer. */
const UNSTIRRED = 1, UNSET = 2, UNMOUNTED = 4;

/**
 * Starts the attendant, and prints its number and name. A coprocess, as bash makes
 * pipes without a program.
 */
const START = `set +eu
umask 077
case $HOSTTYPE in
${
  CODES.map((code) =>
    `  ${code.hostType}) program='${quoted(executable(code))}' ;;`
  ).join("\n")
}
  *) exit 1 ;;
esac
for place in /run /dev/shm /tmp /var/tmp /; do
  file=$place/${NAME}$$
  { printf %b "$program" >"$file"; } 2>/dev/null || continue
  chmod 700 "$file"
  coproc vw { exec "$file" 2>/dev/null; }
  if read -r _ <&"\${vw[0]}"; then
    echo "$vw_PID ${NAME}$$ $HOSTTYPE"
    exit 0
  fi
  rm -f "$file"
done
exit 1`;

/** Bytes as `printf %b` takes them. */
function quoted(bytes: Uint8Array): string {
  return [...bytes].map((byte) => `\\0${byte.toString(8)}`).join("");
}

/** The executable of a processor's attendant. */
function executable({ attendant, elfMachine }: MachineCode): Uint8Array {
  const { length } = attendant(0);
  const text = attendant(BASE + HEADERS + length);
  const bytes = new Uint8Array(HEADERS + length + 9);
  const view = new DataView(bytes.buffer);
  // An executable for 64 bits, little-endian, with one segment.
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, elfMachine, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(BASE + HEADERS), true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 1, true);
  view.setUint32(64, 1, true);
  // To be read, written and run.
  view.setUint32(68, 7, true);
  view.setBigUint64(80, BigInt(BASE), true);
  view.setBigUint64(88, BigInt(BASE), true);
  view.setBigUint64(96, BigInt(bytes.length), true);
  view.setBigUint64(104, BigInt(TOLD - BASE + MOST), true);
  view.setBigUint64(112, 0x1000n, true);
  bytes.set(text, HEADERS);
  bytes[bytes.length - 1] = 0x0a;
  return bytes;
}

/** The orders for an attendant, with their length before them. */
function ordersFor(
  { orders }: MachineCode,
  { stir, milliseconds, rehearsesClock, shares, stays }: Renewal,
): Uint8Array {
  const data = new Data();
  const build = () => {
    const answer = data.put(new Uint8Array(4));
    // A service manager hears of shares and of the clock, and has much to do
    // then, which can wait for the answer.
    const calls: Call[] = [
      { name: "setpriority", args: [PRIO_PROCESS, 0, HIGHEST] },
    ];
    if (stir) {
      const pool = new Uint8Array(8 + SEED), view = new DataView(pool.buffer);
      view.setInt32(0, 8 * SEED, true);
      view.setInt32(4, SEED, true);
      crypto.getRandomValues(pool.subarray(8));
      const path = data.text("/dev/urandom");
      calls.push(
        { name: "openat", args: [AT_FDCWD, path, O_WRONLY, 0], keeps: true },
        {
          name: "ioctl",
          args: ["kept", ADD_ENTROPY, data.put(pool)],
          notes: UNSTIRRED,
        },
        { name: "ioctl", args: ["kept", RESEED, 0], notes: UNSTIRRED },
      );
    }
    if (milliseconds !== undefined) {
      const time = new Uint8Array(16), view = new DataView(time.buffer);
      const now = milliseconds();
      view.setBigInt64(0, BigInt(Math.floor(now / 1000)), true);
      view.setBigInt64(8, BigInt(now % 1000) * 1_000_000n, true);
      calls.push({
        name: "clock_settime",
        args: [CLOCK_REALTIME, data.put(time)],
        notes: UNSET,
      });
    }
    if (rehearsesClock) {
      const args = [CLOCK_REALTIME, data.put(new Uint8Array(16))];
      calls.push(
        { name: "clock_gettime", args },
        { name: "clock_settime", args },
      );
    }
    for (const { tag, place, options } of shares) {
      const { flags, rest } = mountOptions(options);
      const [source, target, type, more] = [tag, place, "9p", rest]
        .map((text) => data.text(text));
      calls.push({
        name: "mount",
        args: [source, target, type, flags, more],
        notes: UNMOUNTED,
      });
    }
    const last: Call[] = [{ name: "write", args: [ANSWERS, answer, 2] }];
    if (!stays) last.push({ name: "exit", args: [0] });
    return orders(calls, answer, last);
  };
  const { length } = build();
  data.begin(TOLD + 4 + length);
  const text = build();
  const bytes = new Uint8Array(4 + length + data.length);
  new DataView(bytes.buffer).setUint32(0, bytes.length, true);
  bytes.set(text, 4);
  bytes.set(data.bytes(), 4 + length);
  return bytes;
}

/** What a program has beside its code. */
class Data {
  #base = 0;
  #parts: Uint8Array[] = [];
  length = 0;

  /** Begins anew, at this address. */
  begin(base: number): void {
    this.#base = base;
    this.#parts = [];
    this.length = 0;
  }

  /** Puts bytes there, and returns their address. */
  put(bytes: Uint8Array): number {
    const address = this.#base + this.length;
    this.#parts.push(bytes);
    this.length += bytes.length;
    return address;
  }

  text(text: string): number {
    return this.put(new TextEncoder().encode(`${text}\0`));
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#parts.flatMap((part) => [...part]));
  }
}

/** Options of mount(8) as mount(2) takes them. */
function mountOptions(options: string): { flags: number; rest: string } {
  const words = options.split(",");
  const isFlag = (word: string) => Object.hasOwn(MOUNT_FLAGS, word);
  return {
    flags: words.filter(isFlag)
      .reduce((flags, word) => flags | MOUNT_FLAGS[word], 0),
    rest: words.filter((word) => !isFlag(word)).join(","),
  };
}
