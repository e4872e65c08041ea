import {
  Driver,
  type DriverOptions,
  Log,
  type MachineOf,
  type RunEvent,
} from "../../mod.ts";
import { guest, type GuestName } from "../guests/mod.ts";

/** The backend of the guests, where the environment names another than QEMU. */
const BACKEND = Deno.env.get("VMWRIGHT_TEST_BACKEND") ?? "qemu";

/** What a test of machines works with. */
export interface Booted extends AsyncDisposable {
  readonly driver: Driver<"qemu">;
  /** The first machine. */
  readonly machine: MachineOf<"qemu">;
  readonly machines: MachineOf<"qemu">[];
  /** Removed at the end. */
  readonly outDir: string;
  /** All events of the log. */
  readonly events: RunEvent[];
}

/** How {@linkcode booted} sets a test up. */
export interface BootedOptions extends Omit<DriverOptions, "machines"> {
  /** The guest; `tiny` by default. */
  guest?: GuestName;
  /** The machines' names; one, with the guest's own name, by default. */
  names?: string[];
  /** What starts a single machine instead of the guest's script. */
  startCommand?: string;
  /** Whether the guests may reboot. */
  allowReboot?: boolean;
  /** Whether their time passes at once where they wait for it. */
  fastForward?: boolean;
}

/** A driver with machines of a guest; they start when they are first needed. */
export async function booted(options: BootedOptions = {}): Promise<Booted> {
  const {
    guest: guestName = "tiny",
    names = [guestName],
    startCommand,
    allowReboot,
    fastForward,
    ...rest
  } = options;
  const trial = BACKEND === "qemu"
    ? undefined
    : (await import("./backends.ts")).trials
      .find(({ backend }) => backend === BACKEND);
  const { startScriptFor } = trial === undefined
    ? await guest(guestName)
    : { startScriptFor: undefined };
  const place = trial && await Deno.makeTempDir();
  const commandFor = async (name: string) =>
    startScriptFor?.(name) ?? await trial!.startCommand(name, place!);
  const outDir = rest.outDir ?? await Deno.makeTempDir();
  const events: RunEvent[] = [];
  const log = rest.log ??
    new Log([{ on: (event) => void events.push({ ...event }) }]);
  const driver: Driver<"qemu"> = await Driver.create({
    ...rest,
    outDir,
    log,
    machines: await Promise.all(names.map(async (name) => ({
      name,
      startCommand: startCommand ?? await commandFor(name),
      allowReboot,
      fastForward,
    }))),
  });
  return {
    driver,
    // Tests that take another backend's do without what only QEMU's have.
    machine: driver.machines[0] as MachineOf<"qemu">,
    machines: driver.machines as MachineOf<"qemu">[],
    outDir,
    events,
    async [Symbol.asyncDispose]() {
      await driver[Symbol.asyncDispose]();
      await log.close();
      await Deno.remove(outDir, { recursive: true }).catch(() => {});
      if (place !== undefined) await Deno.remove(place, { recursive: true });
    },
  };
}
