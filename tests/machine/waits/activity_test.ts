import { assert, assertEquals } from "@std/assert";
import { Activity, LOOK } from "../../../src/machine/waits/activity.ts";
import type { MachineCore } from "../../../src/machine/core.ts";
import { Shell } from "../../../src/shell/mod.ts";
import { hostBash } from "../../shell/host_bash.ts";

/** A guest's account of itself after so many interrupts and processes. */
const stat = (clock: number, devices: number, processes: number) =>
  `cpu  1 2 3\ncpu0 1 2 3\nintr ${clock} 0 ${devices} 0\nctxt ${clock}\n` +
  `btime 1\nprocesses ${processes}\nprocs_running 1\n`;

/** As where a guest stands still: each time is over before a read ends. */
const lateRead =
  'read() { builtin read "$@" || return; [[ " $* " != *" -t "* ]] || return 142; }';

for (
  const [where, read] of [["", ""], [" where the guest stands still", lateRead]]
) {
  Deno.test(`a look reports once what has happened since the question, without the clock's ticks${where}`, () =>
    look(read));
}

/** Looks at a guest, whose bash reads so. */
async function look(read: string): Promise<void> {
  const directory = await Deno.makeTempDir();
  const show = async (text: string) => {
    await Deno.writeTextFile(`${directory}/new`, text);
    await Deno.rename(`${directory}/new`, `${directory}/stat`);
  };
  await show(stat(1, 1, 1));
  const looking = new Deno.Command("bash", {
    args: [
      "-euo",
      "pipefail",
      "-c",
      `mapfile() { builtin mapfile "$@" <${directory}/stat; echo >&2; }\n` +
      `${read}\n${LOOK}`,
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = looking.stdin.getWriter();
  const reader = looking.stdout.pipeThrough(new TextDecoderStream())
    .getReader();
  const ask = (word: string) => writer.write(new TextEncoder().encode(word));
  /** Shows a growing number again and again until a change is reported. */
  const told = async (more: (n: number) => string) => {
    let said: string | undefined;
    const hearing = reader.read().then(({ value = "" }) => said = value);
    for (let n = 0; said === undefined; n++) {
      await show(more(n));
      await Promise.race([
        hearing,
        new Promise((resolve) => setTimeout(resolve, 10)),
      ]);
    }
    return said;
  };
  await ask("1");
  assertEquals(await told((n) => stat(n, 2 + n, 1)), "1");
  // Nobody has asked again.
  await show(stat(3, 1000, 1));
  await show(stat(4, 1000, 2));
  await ask("2");
  assertEquals(await told((n) => stat(n, 1000, 3 + n)), "2");
  await show(stat(1, 1000, 1000));
  await ask("3");
  const looks = looking.stderr.getReader();
  for (let clock = 2; clock < 6; clock++) {
    await show(stat(clock, 1000, 1000));
    await looks.read();
  }
  await ask("q");
  const { success } = await looking.status;
  assert(success);
  assertEquals(await reader.read(), { value: undefined, done: true });
  await looks.cancel();
  await Deno.remove(directory, { recursive: true });
}

Deno.test("in a guest without ports nothing looks, and time alone passes", async () => {
  await using console = hostBash();
  using shell = new Shell({ console });
  const core = { running: () => ({ shell }) } as unknown as MachineCore;
  using activity = new Activity(core);
  const began = performance.now();
  const { signal } = new AbortController();
  assertEquals(await activity.pass(0, 0.2, signal), false);
  assert(performance.now() - began >= 199);
  assertEquals(shell.connected, false);
});
