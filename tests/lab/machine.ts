import {
  Driver,
  Log,
  type MachineOf,
  TerminalListener,
  TestFailure,
} from "../../mod.ts";
import { within } from "../../src/time/mod.ts";
import { quoted } from "../guests/start_script.ts";
import type { LabImage } from "./image.ts";

/** Seconds in which a machine that runs answers, however busy the host is. */
const PATIENCE = 120;

/**
 * The machine in which the tests run hangs, which says nothing about the tests.
 */
export class LabFrozen extends Error {
  /** Takes the pending action, and how long the machine was silent. */
  constructor(doing: string, patience: number) {
    super(
      `The lab's machine stood still while it ran ${doing}: it did not answer ` +
        `for ${patience} seconds and was ended from outside, which says nothing ` +
        "of what was tried in it",
    );
    this.name = "LabFrozen";
  }
}

/** What a command in the lab came to. */
export interface Answer {
  readonly status: number;
  readonly output: string;
}

/**
 * Runs a command in the lab.
 *
 * @param options.timeout Seconds that it may take.
 * @param options.patience Seconds in which the lab's machine has to answer then.
 * @throws {LabFrozen} where the machine does not.
 * @throws {TestFailure} where only the command does not end.
 */
export async function runIn(
  machine: MachineOf<"qemu">,
  doing: string,
  command: string,
  options: { timeout: number; patience?: number },
): Promise<Answer> {
  const { timeout, patience = PATIENCE } = options;
  const answer = await answerWithin(timeout + patience, command, timeout);
  // The status where a command took too long.
  if (answer !== undefined && answer.status !== 124) return answer;
  const sign = await answerWithin(patience, "true", patience);
  if (sign?.status !== 0) throw new LabFrozen(doing, patience);
  throw new TestFailure(
    `${doing} did not end in the lab within ${timeout} seconds`,
  );

  /** Nothing where there is no answer, whatever the driver does then. */
  function answerWithin(
    limit: number,
    command: string,
    timeout: number,
  ): Promise<Answer | undefined> {
    const answered = machine.execute(command, { timeout }).then(
      ([status, output]) => ({ status, output }),
      () => undefined,
    );
    return within(limit, answered);
  }
}

/** A machine whose processor, which QEMU emulates, has virtualisation. */
export interface LabMachine extends AsyncDisposable {
  readonly machine: MachineOf<"qemu">;
}

/**
 * Starts the machine; what it writes to its disks is forgotten.
 *
 * @param options.qemu The QEMU that runs it.
 * @param options.cargo The disk with the files for the lab.
 */
export async function startLab(
  image: LabImage,
  options: { qemu: string; cargo: string; outDir: string },
): Promise<LabMachine> {
  const { qemu, cargo, outDir } = options;
  const disk = (path: string) => [
    "-drive",
    `file=${path.replaceAll(",", ",,")},format=raw,if=virtio,snapshot=on`,
  ];
  const args = [
    qemu,
    ..."-M pc -accel tcg,thread=multi -cpu EPYC,+svm,+npt".split(" "),
    ..."-smp 2 -m 4096 -vga none -net none".split(" "),
    ...["-kernel", image.kernel, "-initrd", image.initrd],
    "-append",
    // A busy host may give the timer no tick while the kernel looks for one.
    "console=ttyS0 quiet panic=1 no_timer_check mitigations=off " +
    "cryptomgr.notests " +
    "initcall_blacklist=load_system_certificate_list,init_kprobe_trace",
    ...disk(image.disk),
    ...disk(cargo),
  ];
  const log = new Log([
    new TerminalListener({ level: "warning", console: "quiet" }),
  ]);
  const driver = await Driver.create({
    machines: [{
      name: "lab",
      startCommand: `exec ${args.map(quoted).join(" ")}`,
    }],
    outDir,
    log,
  });
  const close = async () => {
    await driver[Symbol.asyncDispose]();
    await log.close();
  };
  try {
    const [machine] = driver.machines;
    await machine.connect();
    return { machine, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}
