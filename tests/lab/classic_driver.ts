/**
 * What a machine takes by the classic driver itself, and by vmwright.
 *
 * `VMWRIGHT_CLASSIC_DRIVER` names the directory of the classic driver.
 * `deno task lab tests/lab/classic_driver.ts` runs this in the lab's machine; on
 * a host where KVM works, `deno test -A tests/lab/classic_driver.ts` does.
 */
import { accelerator } from "../../mod.ts";
import { median } from "../bench/result.ts";
import { guest } from "../guests/mod.ts";
import { quoted } from "../guests/start_script.ts";

/** How often each driver starts a machine. */
const ROUNDS = Number(Deno.env.get("VMWRIGHT_LAB_ROUNDS") ?? 3);
/** Commands of each kind, and waits, in each start. */
const COMMANDS = 100, WAITS = 10;

const classic = Deno.env.get("VMWRIGHT_CLASSIC_DRIVER");
const root = new URL("../../", import.meta.url).pathname;

/** Has a shell in the guest read from the port `trigger`. */
const LISTEN = `for port in /sys/class/virtio-ports/*; do
  read -r name 2>/dev/null <"$port/name" && [ "$name" = trigger ] && break
done
setsid bash </dev/"\${port##*/}" >/dev/null 2>&1 &`;

/** Milliseconds, by what took them. */
type Figures = Record<"boot" | "builtin" | "program" | "reaction", number[]>;

/** A driver and the language of its script. */
interface Driver {
  readonly name: string;
  readonly language: "py" | "ts";
  /** The command that runs the script. */
  readonly command: readonly string[];
}

const deno = [Deno.execPath(), "run", "-A", "--no-check", "--cached-only"];
const vmwright = [
  ...deno,
  // As the first line of cli.ts says.
  "--v8-flags=--max-semi-space-size=4",
  `${root}cli.ts`,
  "--no-check",
];
const drivers: readonly Driver[] = [
  {
    name: "the classic driver",
    language: "py",
    command: ["python3", "-c", "import test_driver; test_driver.main()"],
  },
  { name: "vmwright, the same script", language: "py", command: vmwright },
  { name: "vmwright, in TypeScript", language: "ts", command: vmwright },
];

/** One start of a machine by a driver, with all that it prints in a file. */
async function figures({ name, language, command }: Driver): Promise<Figures> {
  const directory = await Deno.makeTempDir({ prefix: "lab-" });
  try {
    const { startScript } = await guest("tiny", { aslr: true });
    const trigger = `${directory}/trigger`;
    const script = `${directory}/run-tiny-vm`;
    await Deno.writeTextFile(
      script,
      `#!/bin/bash
exec ${quoted(startScript)} "$@" \\
  -chardev socket,id=trigger,path=${trigger},server=on,wait=off \\
  -device virtserialport,chardev=trigger,name=trigger
`,
      { mode: 0o755 },
    );
    const said = `${directory}/said`;
    const [program, ...args] = command;
    const { success } = await new Deno.Command("bash", {
      args: [
        ...["-c", 'exec >"$0" 2>&1; exec "$@"', said, program, ...args],
        ...["-o", directory, `${root}tests/lab/compared.${language}`],
      ],
      stdin: "null",
      env: {
        // Both drivers take what Nix would set.
        startScripts: script,
        vlans: "",
        globalTimeout: "3000",
        XDG_RUNTIME_DIR: directory,
        PYTHONPATH: classic!,
        LAB_COMMANDS: `${COMMANDS}`,
        LAB_WAITS: `${WAITS}`,
        LAB_TRIGGER: trigger,
        LAB_LISTEN: LISTEN,
        LAB_FIGURES: `${directory}/figures.json`,
      },
    }).output();
    if (!success) {
      throw new Error(`${name} failed: ${await Deno.readTextFile(said)}`);
    }
    return JSON.parse(await Deno.readTextFile(`${directory}/figures.json`));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Tells a figure in a line that the lab looks for. */
function tell(text: string): void {
  console.log(`measured: ${text}`);
}

if (classic === undefined) {
  console.log(
    "Skipped: the classic driver itself, since VMWRIGHT_CLASSIC_DRIVER names " +
      "no directory",
  );
}

Deno.test({
  name: "a machine by the classic driver and by vmwright",
  ignore: classic === undefined,
  fn: async () => {
    // Guests look for it themselves, with less patience.
    tell(`guests run on ${await accelerator({ timeout: 120 })}`);
    const all = drivers.map(() => ({} as Partial<Figures>));
    for (let round = 0; round < ROUNDS; round++) {
      for (const [n, driver] of drivers.entries()) {
        const found = await figures(driver);
        for (const what of Object.keys(found) as (keyof Figures)[]) {
          (all[n][what] ??= []).push(...found[what]);
        }
      }
    }
    const [beside] = all;
    for (const [n, { name }] of drivers.entries()) {
      const parts = Object.entries(all[n]).map(([what, samples]) => {
        const ours = median(samples);
        const times = median(beside[what as keyof Figures]!) / ours;
        return `${what} ${ours.toFixed(1)} ms` +
          (n === 0 ? "" : ` (${times.toFixed(1)} times as fast)`);
      });
      tell(`${name}, medians of ${ROUNDS} starts: ${parts.join(", ")}`);
    }
  },
});
