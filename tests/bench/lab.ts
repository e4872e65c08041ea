import { Driver, Log, type MachineOf } from "../../mod.ts";
import { guest, type GuestName } from "../guests/mod.ts";
import { ClassicMachine } from "./classic.ts";
import { Trigger } from "./trigger.ts";

/**
 * A guest with three ways in: vmwright's, a second backdoor shell for the model
 * of the classic driver, and a shell that makes things happen in no time.
 */
export interface Lab extends AsyncDisposable {
  readonly driver: Driver;
  readonly machine: MachineOf<"qemu">;
  readonly classic: ClassicMachine;
  readonly trigger: Trigger;
  /** Host files of the measurements; removed at the end. */
  readonly directory: string;
}

/**
 * Boots a guest and connects the three.
 *
 * @param processors How many the guest has.
 */
export async function openLab(
  guestName: GuestName = "tiny",
  processors = 1,
): Promise<Lab> {
  const { startScript } = await guest(guestName, { aslr: true });
  const directory = await Deno.makeTempDir({ prefix: "vmwright-bench-" });
  const log = new Log([]);
  const driver = await Driver.create({
    // Large files need room in a guest whose disk is its memory.
    machines: [{
      name: "lab",
      startCommand: `exec ${startScript} -m 1024 -smp ${processors}`,
    }],
    outDir: directory,
    log,
  });
  const close = async () => {
    await driver[Symbol.asyncDispose]();
    await log.close();
    await Deno.remove(directory, { recursive: true });
  };
  try {
    const [machine] = driver.machines;
    await machine.connect();
    const classic = new ClassicMachine(await plugConsole(machine, directory));
    await classic.connect();
    const trigger = new Trigger(await plugConsole(machine, directory));
    await trigger.connect();
    return {
      driver,
      machine,
      classic,
      trigger,
      directory,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Makes the kernel put programs at random addresses, which is its default, or
 * not. QEMU 7.2 translates a program anew at each address that it is put at:
 * most of what it costs to start one.
 */
export async function setAslr({ machine }: Lab, on: boolean): Promise<void> {
  await machine.succeed(
    `echo ${on ? 2 : 0} >/proc/sys/kernel/randomize_va_space`,
  );
}

let consoles = 0;

/** Plugs a console into the guest, with a root shell as the backdoor's on it. */
async function plugConsole(
  machine: MachineOf<"qemu">,
  directory: string,
): Promise<Deno.Conn> {
  const id = `bench${consoles++}`;
  const path = `${directory}/${id}`;
  using listener = Deno.listen({ transport: "unix", path });
  const before = await machine.succeed(openable(""));
  const qmp = machine.qmpClient;
  const [stream] = await Promise.all([
    listener.accept(),
    qmp.send("chardev-add", {
      id,
      backend: {
        type: "socket",
        data: { addr: { type: "unix", data: { path } }, server: false },
      },
    }),
  ]);
  await qmp.send("device_add", {
    driver: "virtconsole",
    bus: "vw.0",
    chardev: id,
    id,
  });
  const device = await machine.waitUntilSucceeds(
    openable(` ${before.trim().split("\n").join(" ")} `),
  );
  // A console that was just closed can't be opened for a moment.
  await machine.succeed(
    `setsid bash -c 'exec 2>/dev/ttyS0
      until exec <>"$0" >&0; do sleep 0.01; done
      stty raw -echo
      echo "Spawning backdoor root shell..."
      PS1= exec bash --norc "$0"' ${device.trim()} </dev/null >/dev/null 2>&1 &`,
  );
  return stream;
}

/**
 * Names the consoles that have a port behind them and are not `known`, and
 * fails where there are none.
 */
function openable(known: string): string {
  return `found=1
    for hvc in /dev/hvc*; do
      [[ "${known}" != *" $hvc "* ]] && { : <>$hvc; } 2>/dev/null || continue
      echo $hvc
      found=0
    done
    exit $found`;
}
