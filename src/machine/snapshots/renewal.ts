import type { MachineCore } from "../core.ts";
import {
  attend,
  type Attendant,
  instruct,
  type Renewal,
  type Undone,
} from "./attendant.ts";
import type { SavedMachine } from "./saved_machine.ts";
import { settle } from "./settle.ts";
import { mountMissing } from "./shares.ts";

/** Seconds that the renewal of a guest may take. */
const TIMEOUT = 60;
/** Bytes that are added to the pool of random numbers. */
const SEED = 32;
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
 * and its shares. The kernel may not know that it was copied: many kernels lack
 * the driver for that.
 */
export async function renew(
  core: MachineCore,
  { shares, attendant }: SavedMachine,
  { keepClock = false }: RenewalOptions,
): Promise<void> {
  await core.takeUp();
  await carryOut(core, attendant, {
    stir: true,
    milliseconds: keepClock ? undefined : () => Date.now(),
    shares,
  });
}

/**
 * Renews a guest that will be paused again before anybody uses it. The guest
 * also sets its clock, to the time that it has, and runs a command, and does
 * what follows from all that: what it does for the first time is slow, most of
 * all without KVM, where QEMU has translated none of the guest's code yet.
 *
 * @param hurry Aborted when somebody waits for the guest.
 * @returns A function for the rest, the clock, when the guest goes on.
 */
export async function renewAhead(
  core: MachineCore,
  { shares, attendant }: SavedMachine,
  hurry: AbortSignal,
): Promise<(options: RenewalOptions) => Promise<void>> {
  await core.takeUp();
  const renewal = { stir: true, rehearsesClock: true, shares, stays: true };
  const staying = await carryOut(core, attendant, renewal);
  if (!hurry.aborted) await core.run("true", { timeout: TIMEOUT });
  await settle(core.running().guest.pid, hurry);
  return async ({ keepClock = false }) => {
    const milliseconds = keepClock ? undefined : () => Date.now();
    if (staying === undefined && keepClock) return;
    await carryOut(core, staying, { milliseconds, shares: [] });
  };
}

/**
 * Renews the guest, warns of what can't be renewed, and returns the attendant
 * that did it.
 */
async function carryOut(
  core: MachineCore,
  saved: Attendant | undefined,
  renewal: Renewal,
): Promise<Attendant | undefined> {
  const { attendant, undone } = await attended(core, saved, renewal) ??
    { undone: await unattended(core, renewal) };
  if (undone.shares) await mountMissing(core, renewal.shares);
  if (undone.stir) {
    core.log.warning(
      "may get the same random numbers as other forks of its snapshot: no " +
        "program in the guest can renew the kernel's",
      core.attributes,
    );
  }
  if (undone.clock) {
    core.log.warning(
      "has the time of the snapshot: no program in the guest can set its clock",
      core.attributes,
    );
  }
  return attendant;
}

/** Lets an attendant renew the guest, a new one if the saved one is gone. */
async function attended(
  core: MachineCore,
  saved: Attendant | undefined,
  renewal: Renewal,
): Promise<{ attendant?: Attendant; undone: Undone } | undefined> {
  const done = saved && await instruct(core, saved, renewal);
  if (done !== undefined) return { attendant: saved, undone: done };
  const attendant = await attend(core);
  const undone = attendant && await instruct(core, attendant, renewal);
  return undone && { attendant, undone };
}

/** Renews the guest by the guest's own programs. */
async function unattended(
  core: MachineCore,
  { stir = false, milliseconds, shares }: Renewal,
): Promise<Undone> {
  const { status } = await core.run(command(stir, milliseconds?.()), {
    stderr: "merge",
    timeout: TIMEOUT,
  });
  return {
    stir: (status & UNSTIRRED) !== 0,
    clock: (status & UNSET) !== 0,
    shares: shares.length > 0,
  };
}

/** The command for a guest. */
function command(stir: boolean, milliseconds?: number): string {
  const seconds = milliseconds && Math.round(milliseconds / 1000);
  return `set +eu
status=0
${stir ? stirring() : ""}
${
    seconds === undefined
      ? ""
      : `date -s @${seconds} >/dev/null || status=$((status + ${UNSET}))`
  }
exit $status`;
}

function stirring(): string {
  const seed = crypto.getRandomValues(new Uint8Array(SEED)).toHex();
  return `perl -e 'open(F, ">", "/dev/urandom") && ioctl(F, ${ADD_ENTROPY}, pack("iiH*", ${
    8 * SEED
  }, ${SEED}, "${seed}")) && ioctl(F, ${RESEED}, 0) or exit 1' ||
  python3 -c 'import fcntl, struct
with open("/dev/urandom", "wb") as f:
  fcntl.ioctl(f, ${ADD_ENTROPY}, struct.pack("ii", ${
    8 * SEED
  }, ${SEED}) + bytes.fromhex("${seed}"))
  fcntl.ioctl(f, ${RESEED}, 0)' || status=${UNSTIRRED}`;
}
