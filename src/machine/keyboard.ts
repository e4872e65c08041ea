import { QmpClosed, QmpError } from "../qmp/mod.ts";
import { MachineError, UsageError } from "../errors.ts";
import { delay } from "../time/mod.ts";
import type { MachineCore } from "./core.ts";

/** A key as QMP takes it. */
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
  /**
   * Seconds between two events of keys, of which each key has two: it goes down
   * and up. 0.01 by default; `null` for none.
   */
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
  const strokes = [keysOf(key)];
  const press = () => new Keyboard(core, options).type(strokes);
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
  return core.nested(
    `sending keys ${JSON.stringify(chars)}`,
    () => new Keyboard(core, options).type(strokes),
  );
}

/** Seconds between two events where the author says nothing. */
const DEFAULT_DELAY = 0.01;
/**
 * Keyboards beside the PC's, as QEMU lists its devices, and the seconds between
 * two events that they need: a USB host asks for one every 8 ms, if it is not
 * late.
 */
const OTHER_KEYBOARDS: [device: RegExp, pause: number][] = [
  [/\bdev: usb-kbd\b/, 0.016],
  [/\bdev: virtio-(keyboard|input-host)\b/, 0.01],
];
/** Milliseconds that a guest gets to read the keys of a stroke. */
const UNREAD_MS = 1000;

/**
 * Presses keys, each by two events of its own. QEMU's own `send-key` has a queue
 * that loses what does not fit, releases too, and answers before it is empty.
 * A keyboard has one too, of 16 bytes or events; so this one goes no faster than
 * the keyboard does, and waits for a guest that is slow to read the PC's.
 */
class Keyboard {
  readonly #core: MachineCore;
  readonly #delay: number;
  /** Whether the guest reads what the PC's keyboard has for it. */
  #isRead = true;

  constructor(core: MachineCore, { delay }: KeyOptions) {
    this.#core = core;
    this.#delay = delay === undefined ? DEFAULT_DELAY : delay ?? 0;
  }

  /** Presses the keys of each stroke together, one stroke after the other. */
  async type(strokes: QmpKey[][]): Promise<void> {
    await this.#core.watched(async (signal) => {
      const pause = await this.#pause();
      for (const keys of strokes) {
        signal.throwIfAborted();
        await this.#untilRead(signal);
        // Whatever happens, what is down is released: nothing else would do it.
        const down: QmpKey[] = [];
        try {
          for (const key of keys) {
            await this.#event(key, true, pause);
            down.unshift(key);
          }
        } finally {
          for (const key of down) await this.#release(key, pause);
        }
      }
    });
  }

  /** Seconds after each event. */
  async #pause(): Promise<number> {
    const devices = await this.#ask("info qtree");
    const pauses = OTHER_KEYBOARDS.filter(([device]) => device.test(devices))
      .map(([_, pause]) => pause);
    return Math.max(this.#delay, ...pauses);
  }

  async #release(key: QmpKey, pause: number): Promise<void> {
    try {
      await this.#event(key, false, pause);
    } catch (error) {
      // Keys such as Ctrl+Alt+Delete may end the guest before they are up.
      const hasEnded = !this.#core.booted ||
        error instanceof MachineError && error.cause instanceof QmpClosed;
      if (!hasEnded) throw error;
    }
  }

  async #event(key: QmpKey, down: boolean, pause: number): Promise<void> {
    const events = [{ type: "key", data: { down, key } }];
    try {
      await this.#core.guarded(() =>
        this.#core.qmp.send("input-send-event", { events })
      );
    } catch (error) {
      throw error instanceof QmpError ? await this.#refusal(error) : error;
    }
    if (pause > 0) await delay(pause);
  }

  /** Waits until the guest has read the keys before, if it reads keys at all. */
  async #untilRead(signal: AbortSignal): Promise<void> {
    const began = performance.now();
    while (this.#isRead && await this.#hasUnread()) {
      if (performance.now() - began > UNREAD_MS) this.#isRead = false;
      await delay(0.002, signal);
    }
  }

  /** Whether the keyboard controller of a PC has something for its guest. */
  async #hasUnread(): Promise<boolean> {
    const status = /= 0x([\da-f]{2})\b/.exec(await this.#ask("i /b 0x64"));
    const bits = parseInt(status?.[1] ?? "ff", 16);
    // Where there is no controller, all bits are set.
    if (bits === 0xff) this.#isRead = false;
    return bits !== 0xff && (bits & 1) !== 0;
  }

  async #ask(command: string): Promise<string> {
    return await this.#core.guarded(() =>
      this.#core.qmp.send("human-monitor-command", { "command-line": command })
    ) as string;
  }

  /** Why QEMU refused an event of a key. */
  async #refusal(error: QmpError): Promise<Error> {
    const { name, qmp } = this.#core;
    const { running, status } = await this.#core.guarded(() =>
      qmp.send("query-status")
    ) as { running: boolean; status: string };
    if (running) return error;
    return new MachineError(
      `${name} takes no keys while it does not run: its status is "${status}"`,
      { cause: error },
    );
  }
}
