import type { GuestKey } from "../../backend/mod.ts";
import { UsageError } from "../../errors.ts";
import { QmpError } from "../../qmp/mod.ts";
import type { MachineCore } from "../core.ts";

/** Seconds after each stroke, if the author names no delay. */
const DEFAULT_DELAY = 0.01;

/**
 * Keys of the US layout: the characters that a key types alone, and with shift.
 */
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
 * @throws {UsageError} if the name is empty, or if no key types the character.
 */
export function keysOf(key: string): GuestKey[] {
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

/** QEMU's names of keys that have another one on most keyboards. */
const MEANT: Record<string, string> = {
  cmd: "meta_l",
  control: "ctrl",
  del: "delete",
  enter: "ret",
  escape: "esc",
  ins: "insert",
  meta: "meta_l",
  pagedown: "pgdn",
  pageup: "pgup",
  return: "ret",
  space: "spc",
  super: "meta_l",
  win: "meta_l",
};

/** A sentence for QEMU's error about a key that it does not know. */
export function namingKey(error: unknown): unknown {
  if (!(error instanceof QmpError)) return error;
  const [, name] = /value '(.*)'$/.exec(error.description) ?? [];
  if (name === undefined) return error;
  const small = name.toLowerCase();
  const meant = MEANT[small] ?? (small === name ? undefined : small);
  return new UsageError(
    `QEMU knows no key "${name}"` +
      (meant === undefined ? "" : `; did you mean "${meant}"?`),
    { cause: error },
  );
}

/** Options of `sendKey` and `sendChars`. */
export interface KeyOptions {
  /**
   * Seconds after each stroke. `null`: none.
   *
   * @default {0.01}
   */
  delay?: number | null;
  /**
   * `false`: do not log the keys.
   *
   * @default {true}
   */
  log?: boolean;
}

/** See {@linkcode QemuMachine.sendKey}. */
export async function sendKey(
  core: MachineCore,
  key: string,
  options: KeyOptions,
): Promise<void> {
  const strokes = [keysOf(key)];
  const press = () => type(core, strokes, options, "sendKey()");
  if (options.log === false) await press();
  else await core.nested(`sending key ${JSON.stringify(key)}`, press);
}

/** See {@linkcode QemuMachine.sendChars}. */
export function sendChars(
  core: MachineCore,
  chars: string,
  options: KeyOptions,
): Promise<void> {
  const strokes = [...chars].map(keysOf);
  return core.nested(
    `sending keys ${JSON.stringify(chars)}`,
    () => type(core, strokes, options, "sendChars()"),
  );
}

function type(
  core: MachineCore,
  strokes: GuestKey[][],
  options: KeyOptions,
  method: string,
): Promise<void> {
  const pause = options.delay === undefined
    ? DEFAULT_DELAY
    : options.delay ?? 0;
  return core.watched((signal) => {
    const keyboard = core.capability("keyboard", method);
    return core.guarded(() => keyboard.press(strokes, pause, signal)).catch(
      (error) => {
        throw namingKey(error);
      },
    );
  });
}
