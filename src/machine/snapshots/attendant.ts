import { decode } from "../commands/output.ts";
import type { MachineCore } from "../core.ts";
import type { Share } from "./shares.ts";

/** The name of the process in the guest, with the number of its parent after it. */
const NAME = ".vw-attend";
/** Seconds that a guest may take for any of this. */
const TIMEOUT = 60;
/** Bytes that are added to the pool of random numbers. */
const SEED = 32;
/** The program's address in memory, and the address of its orders. */
const BASE = 0x10000, TOLD = BASE + 0x1000, MOST = 0x4000;
/** Bytes of the headers before the program. */
const HEADERS = 64 + 56;
/** The pipes to it and from it, as it has them open. */
const HEARS = 4, READS = 3, ANSWERS = 6, IS_HEARD = 5;
/**
 * The requests of ioctl(2) to add to the pool, and to take new numbers from it.
 */
const ADD_ENTROPY = 0x40085203, RESEED = 0x5207;
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

/** A process of the driver's in a guest that waits for what it is to do. */
export interface Attendant {
  /** Its number in the guest. */
  readonly pid: number;
  /** Its name. */
  readonly name: string;
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
  const [pid, name] = decode(stdout).trim().split(" ");
  return { pid: Number(pid), name };
}

/**
 * Gives an attendant an order.
 *
 * @returns Its answer; nothing if the attendant is gone.
 */
export async function instruct(
  core: MachineCore,
  { pid, name }: Attendant,
  renewal: Renewal,
): Promise<Undone | undefined> {
  const { status, stdout } = await core.run(
    `set +eu
{ read -r name </proc/${pid}/comm && [ "$name" = '${name}' ] &&
  printf %b '${quoted(toldProgram(renewal))}' >/proc/${pid}/fd/${HEARS} &&
  read -r undone </proc/${pid}/fd/${IS_HEARD}; } 2>/dev/null &&
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

/** The bits of the attendant's answer. */
const UNSTIRRED = 1, UNSET = 2, UNMOUNTED = 4;

/**
 * Starts the attendant, and prints its number and name. A coprocess, as bash makes
 * pipes without a program.
 */
const START = `set +eu
umask 077
[ "$HOSTTYPE" = x86_64 ] || exit 1
for place in /run /dev/shm /tmp /var/tmp /; do
  file=$place/${NAME}$$
  { printf %b '${
  quoted(attendantProgram())
}' >"$file"; } 2>/dev/null || continue
  chmod 700 "$file"
  coproc vw { exec "$file" 2>/dev/null; }
  if read -r _ <&"\${vw[0]}"; then
    echo "$vw_PID ${NAME}$$"
    exit 0
  fi
  rm -f "$file"
done
exit 1`;

/** Bytes as `printf %b` takes them. */
function quoted(bytes: Uint8Array): string {
  return [...bytes].map((byte) => `\\0${byte.toString(8)}`).join("");
}

/**
 * A program for x86-64 that removes its own file, closes what it was given, makes
 * two pipes, says that it is there, and waits for programs to run.
 */
function attendantProgram(): Uint8Array {
  const build = (data: number) =>
    code(
      "b870000000 0f05", //                             setsid()
      "bbff000000", //                                  ebx = 255
      "89df b803000000 0f05 ffcb 83fb02 75f0", //       close(ebx), down to 3
      `b816000000 bf${le(data)} 0f05`, //               pipe(): 3 and 4
      `b816000000 bf${le(data)} 0f05`, //               pipe(): 5 and 6
      "b857000000 488b7c2408 0f05", //                  unlink(argv[0])
      `b801000000 bf01000000 be${le(data + 8)}`, //     write(1, "\n", 1)
      "ba01000000 0f05",
      "bb02000000", //                                  ebx = 2
      "89df b803000000 0f05 ffcb 79f3", //              close(ebx), down to 0
      "31db", //                                        ebx = 0, the bytes so far
      `31c0 bf${le(READS)} 8db3${le(TOLD)}`, //         read(3, TOLD + ebx,
      `ba${le(MOST)} 29da 0f05`, //                          MOST - ebx)
      "85c0 7e14 01c3", //                              at an end, on to exit
      `3b1c25${le(TOLD)} 72db`, //                      until all of it is there
      `b8${le(TOLD + 4)} ffd0 ebd0`, //                 which is called then
      "31ff b83c000000 0f05", //                        exit(0)
    );
  const { length } = build(0);
  const text = build(BASE + HEADERS + length);
  const bytes = new Uint8Array(HEADERS + length + 9);
  const view = new DataView(bytes.buffer);
  // An executable for 64 bits, little-endian, with one segment.
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, 62, true);
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

/** A program that the attendant runs, with its length before it. */
function toldProgram(
  { stir, milliseconds, rehearsesClock, shares, stays }: Renewal,
): Uint8Array {
  const data = new Data();
  const failed = (bit: number) => `85c0 7403 83cd${byte(bit)}`;
  const build = () => {
    const answer = data.put(new Uint8Array(4));
    const parts = ["31ed"]; //                          ebp = 0
    if (stir) {
      const pool = new Uint8Array(8 + SEED), view = new DataView(pool.buffer);
      view.setInt32(0, 8 * SEED, true);
      view.setInt32(4, SEED, true);
      crypto.getRandomValues(pool.subarray(8));
      parts.push(
        `b802000000 bf${le(data.text("/dev/urandom"))}`, // ebx = open(
        "be01000000 31d2 0f05 89c3", //                        path, O_WRONLY)
        `b810000000 89df be${le(ADD_ENTROPY)} ba${le(data.put(pool))} 0f05`,
        "4189c4", //                                    r12 = ioctl()
        `b810000000 89df be${le(RESEED)} 31d2 0f05`, // ioctl()
        `4409e0 ${failed(UNSTIRRED)}`,
      );
    }
    if (milliseconds !== undefined) {
      const time = new Uint8Array(16), view = new DataView(time.buffer);
      const now = milliseconds();
      view.setBigInt64(0, BigInt(Math.floor(now / 1000)), true);
      view.setBigInt64(8, BigInt(now % 1000) * 1_000_000n, true);
      parts.push(
        `b8e3000000 31ff be${le(data.put(time))} 0f05`, // clock_settime(0, time)
        failed(UNSET),
      );
    }
    if (rehearsesClock) {
      const time = data.put(new Uint8Array(16));
      parts.push(
        `b8e4000000 31ff be${le(time)} 0f05`, //        clock_gettime(0, time)
        `b8e3000000 31ff be${le(time)} 0f05`, //        clock_settime(0, time)
      );
    }
    for (const { tag, place, options } of shares) {
      const { flags, rest } = mountOptions(options);
      parts.push(
        `b8a5000000 bf${le(data.text(tag))} be${le(data.text(place))}`, // mount()
        `ba${le(data.text("9p"))} 41ba${le(flags)} 41b8${le(data.text(rest))}`,
        `0f05 ${failed(UNMOUNTED)}`,
      );
    }
    return code(
      ...parts,
      "83c530 81cd000a0000", //                         a digit, and a new line
      `892c25${le(answer)}`,
      `b801000000 bf${le(ANSWERS)} be${le(answer)}`, // write(6, answer, 2)
      "ba02000000 0f05",
      stays ? "c3" : "31ff b83c000000 0f05", //         return, or exit(0)
    );
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

function code(...parts: string[]): Uint8Array {
  return Uint8Array.fromHex(parts.join("").replaceAll(" ", ""));
}

function byte(number: number): string {
  return number.toString(16).padStart(2, "0");
}

/** A little-endian number in hexadecimal digits. */
function le(number: number): string {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, number, true);
  return bytes.toHex();
}
