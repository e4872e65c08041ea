import { UsageError } from "../report/mod.ts";
import type { MachineCore } from "./core.ts";

/** A key as QMP's `send-key` takes it. */
export interface QmpKey {
  /** `qcode` for a name, `number` for a scan code. */
  type: "qcode" | "number";
  /** The name or the code. */
  data: string | number;
}

/** Keys of the US layout: what a key types alone, and with shift. */
const LAYOUT: [plain: string, shifted: string, qcodes: string[]][] = [
  [
    "abcdefghijklmnopqrstuvwxyz",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    [..."abcdefghijklmnopqrstuvwxyz"],
  ],
  ["1234567890", "!@#$%^&*()", [..."1234567890"]],
  ["-=[];'`\\,./", '_+{}:"~|<>?', [
    "minus",
    "equal",
    "bracket_left",
    "bracket_right",
    "semicolon",
    "apostrophe",
    "grave_accent",
    "backslash",
    "comma",
    "dot",
    "slash",
  ]],
  [" \n\t\b\x1b", "", ["spc", "ret", "tab", "backspace", "esc"]],
];

const KEY_OF_CHARACTER = new Map<string, string[]>();
for (const [plain, shifted, qcodes] of LAYOUT) {
  qcodes.forEach((qcode, index) => {
    KEY_OF_CHARACTER.set(plain[index], [qcode]);
    if (shifted !== "") KEY_OF_CHARACTER.set(shifted[index], ["shift", qcode]);
  });
}

/**
 * The keys to press together for a character (`A`) or a combination
 * (`ctrl-alt-delete`, `shift-0x2B`).
 *
 * The names are QEMU's: see `QKeyCode` in
 * https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html
 *
 * @throws {UsageError} for an empty name, or a character no key types.
 */
export function keysOf(key: string): QmpKey[] {
  const names = KEY_OF_CHARACTER.get(key) ?? key.split("-");
  if (!names.every((name) => /^\w+$/.test(name))) {
    throw new UsageError(
      `Expected a key such as "a", "ret" or "ctrl-alt-delete", got ${
        JSON.stringify(key)
      }`,
    );
  }
  return names.map((name) =>
    /^0x[0-9a-f]+$/i.test(name)
      ? { type: "number", data: Number(name) }
      : { type: "qcode", data: name }
  );
}

/** What sending keys takes. */
export interface KeyOptions {
  /** Seconds to hold a key and to wait after it; 0.01 by default. */
  delay?: number | null;
  /** `false`: keep it out of the log. */
  log?: boolean;
}

/** See {@linkcode BaseMachine.sendKey}. */
export async function sendKey(
  core: MachineCore,
  key: string,
  options: KeyOptions,
): Promise<void> {
  const keys = keysOf(key);
  const press = () => pressKeys(core, keys, options.delay);
  if (options.log === false) await press();
  else await core.nested(`sending key ${JSON.stringify(key)}`, press);
}

/** See {@linkcode BaseMachine.sendChars}. */
export function sendChars(
  core: MachineCore,
  chars: string,
  options: KeyOptions,
): Promise<void> {
  const strokes = [...chars].map(keysOf);
  return core.nested(`sending keys ${JSON.stringify(chars)}`, async () => {
    for (const keys of strokes) await pressKeys(core, keys, options.delay);
  });
}

async function pressKeys(
  core: MachineCore,
  keys: QmpKey[],
  delay: number | null = 0.01,
): Promise<void> {
  const ms = (delay ?? 0) * 1000;
  await core.guarded(() =>
    core.qmp.send("send-key", {
      keys,
      "hold-time": Math.max(1, Math.round(ms)),
    })
  );
  // QEMU answers before the keys are released.
  await new Promise((resolve) => setTimeout(resolve, ms));
}
