import type { MachineCore } from "../core.ts";
import type { SavedMachine } from "./saved_machine.ts";
import { mountShare } from "./shares.ts";

/** Seconds that the renewal of a guest may take. */
const TIMEOUT = 60;
/** Bytes that are added to the pool of random numbers. */
const SEED = 32;
/** The program's address in memory. */
const BASE = 0x10000;
/** Bytes of the headers before it. */
const HEADERS = 64 + 56;
/**
 * The requests of ioctl(2) to add to the pool, and to take new numbers from it.
 */
const ADD_ENTROPY = 0x40085203, RESEED = 0x5207;

/**
 * The exit status of a guest that could set its clock, but not add to its pool.
 */
const UNSTIRRED = 1, UNSET = 2;

/** Options of a renewal. */
export interface RenewalOptions {
  /** Whether its clock stays behind by the time since the snapshot. */
  keepClock?: boolean;
}

/**
 * Renews a guest that goes on from a snapshot: its random numbers, its clock,
 * and its shares.
 */
export async function renew(
  core: MachineCore,
  { shares }: SavedMachine,
  options: RenewalOptions,
): Promise<void> {
  await core.takeUp();
  const mounted = (async () => {
    for (const share of shares) await mountShare(core, share);
  })();
  // Whichever fails, the other is to be over.
  const ends = await Promise.allSettled([stir(core, options), mounted]);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

/**
 * Gives a guest that goes on from a snapshot its own random numbers, and sets
 * its clock. The kernel may not know that it was copied: many kernels lack the
 * driver for that.
 */
async function stir(
  core: MachineCore,
  { keepClock = false }: RenewalOptions,
): Promise<void> {
  const seed = crypto.getRandomValues(new Uint8Array(SEED));
  const milliseconds = keepClock ? undefined : Date.now();
  const { status } = await core.run(command(seed, milliseconds), {
    stderr: "merge",
    timeout: TIMEOUT,
  });
  if ((status & UNSTIRRED) !== 0) {
    core.log.warning(
      "may have the random numbers of others that go on from the same " +
        "snapshot: nothing in the guest can stir them",
      core.attributes,
    );
  }
  if ((status & UNSET) !== 0) {
    core.log.warning(
      "has the time of the snapshot: nothing in the guest can set its clock",
      core.attributes,
    );
  }
}

/**
 * The command for the guest: a program for its processor, or one that it has.
 */
function command(seed: Uint8Array, milliseconds?: number): string {
  const seconds = milliseconds === undefined
    ? ""
    : String(Math.round(milliseconds / 1000));
  const bytes = [...program(seed, milliseconds)].map((byte) =>
    `\\0${byte.toString(8)}`
  ).join("");
  return `set +eu
umask 077
if [ "$HOSTTYPE" = x86_64 ]; then
  for place in /run /dev/shm /tmp /var/tmp /; do
    file=$place/.vw-renew$$
    { printf %b '${bytes}' >"$file"; } 2>/dev/null || continue
    chmod 700 "$file"
    "$file" 2>/dev/null
    status=$?
    [ $status -ge 126 ] || exit $status
    rm -f "$file"
  done
fi
status=0
perl -e 'open(F, ">", "/dev/urandom") && ioctl(F, ${ADD_ENTROPY}, pack("iiH*", ${
    8 * SEED
  }, ${SEED}, "${seed.toHex()}")) && ioctl(F, ${RESEED}, 0) or exit 1' ||
  python3 -c 'import fcntl, struct
with open("/dev/urandom", "wb") as f:
  fcntl.ioctl(f, ${ADD_ENTROPY}, struct.pack("ii", ${
    8 * SEED
  }, ${SEED}) + bytes.fromhex("${seed.toHex()}"))
  fcntl.ioctl(f, ${RESEED}, 0)' || status=${UNSTIRRED}
${
    seconds === ""
      ? ""
      : `date -s @${seconds} >/dev/null || status=$((status + ${UNSET}))`
  }
exit $status`;
}

/**
 * A program for x86-64 that adds to the pool of random numbers, lets the kernel
 * take new ones, sets the clock, and removes its own file. Other programs that do
 * this are missing in many guests, and take a hundred times as long.
 */
function program(seed: Uint8Array, milliseconds?: number): Uint8Array {
  const build = (data: number) => {
    const path = data, pool = path + 16, time = pool + 8 + SEED;
    return Uint8Array.fromHex(
      [
        "b857000000 488b7c2408 0f05", //                unlink(argv[0])
        `b802000000 bf${le(path)} be01000000 31d2`, // open(path, O_WRONLY)
        "0f05 89c3", //                                 ebx = the descriptor
        `b810000000 89df be${le(ADD_ENTROPY)} ba${le(pool)}`, // ioctl
        "0f05 89c5", //                                 ebp = its answer
        `b810000000 89df be${le(RESEED)} 31d2`, //      ioctl
        "0f05 09c5", //                                 ebp |= its answer
        milliseconds === undefined
          ? "31c0" //                                   eax = 0
          : `b8e3000000 31ff be${le(time)} 0f05`, //    clock_settime(0, time)
        "f7dd 19ed 83e501", //                          ebp = ebp ? 1 : 0
        "f7d8 19c0 83e002", //                          eax = eax ? 2 : 0
        "09e8 89c7 b83c000000 0f05", //                 exit(eax | ebp)
      ].join("").replaceAll(" ", ""),
    );
  };
  const { length } = build(0);
  const text = build(BASE + HEADERS + length);
  const bytes = new Uint8Array(HEADERS + length + 16 + 8 + SEED + 16);
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
  view.setUint32(68, 5, true);
  view.setBigUint64(80, BigInt(BASE), true);
  view.setBigUint64(88, BigInt(BASE), true);
  view.setBigUint64(96, BigInt(bytes.length), true);
  view.setBigUint64(104, BigInt(bytes.length), true);
  view.setBigUint64(112, 0x1000n, true);
  bytes.set(text, HEADERS);
  const data = HEADERS + length;
  bytes.set(new TextEncoder().encode("/dev/urandom"), data);
  view.setInt32(data + 16, 8 * SEED, true);
  view.setInt32(data + 20, SEED, true);
  bytes.set(seed, data + 24);
  const now = milliseconds ?? 0;
  view.setBigInt64(data + 24 + SEED, BigInt(Math.floor(now / 1000)), true);
  view.setBigInt64(data + 32 + SEED, BigInt(now % 1000) * 1_000_000n, true);
  return bytes;
}

/** A little-endian number in hexadecimal digits. */
function le(number: number): string {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, number, true);
  return bytes.toHex();
}
