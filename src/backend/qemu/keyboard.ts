import { MachineError } from "../../errors.ts";
import { type QmpClient, QmpClosed, QmpError } from "../../qmp/mod.ts";
import { delay } from "../../time/mod.ts";
import type { GuestKey, GuestKeyboard } from "../backend.ts";

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
export class QemuKeyboard implements GuestKeyboard {
  readonly #qmp: QmpClient;
  readonly #name: string;

  /** Takes QEMU's monitor and the machine's name. */
  constructor(qmp: QmpClient, name: string) {
    this.#qmp = qmp;
    this.#name = name;
  }

  /** See {@linkcode GuestKeyboard.press}. */
  async press(
    strokes: GuestKey[][],
    atLeast: number,
    signal: AbortSignal,
  ): Promise<void> {
    const pause = Math.max(atLeast, ...await this.#pauses());
    let isRead = true;
    for (const keys of strokes) {
      signal.throwIfAborted();
      isRead &&= await this.#untilRead(signal);
      // Whatever happens, what is down is released: nothing else would do it.
      const down: GuestKey[] = [];
      try {
        for (const key of keys) {
          await this.#event(key, true, pause);
          down.unshift(key);
        }
      } finally {
        for (const key of down) await this.#release(key, pause);
      }
    }
  }

  /** Seconds that the keyboards need after each event, beside the PC's. */
  async #pauses(): Promise<number[]> {
    const devices = await this.#ask("info qtree");
    return OTHER_KEYBOARDS.filter(([device]) => device.test(devices))
      .map(([_, pause]) => pause);
  }

  async #release(key: GuestKey, pause: number): Promise<void> {
    try {
      await this.#event(key, false, pause);
    } catch (error) {
      // Keys such as Ctrl+Alt+Delete may end the guest before they are up.
      if (!(error instanceof QmpClosed)) throw error;
    }
  }

  async #event(key: GuestKey, down: boolean, pause: number): Promise<void> {
    const events = [{ type: "key", data: { down, key } }];
    try {
      await this.#qmp.send("input-send-event", { events });
    } catch (error) {
      throw error instanceof QmpError ? await this.#refusal(error) : error;
    }
    if (pause > 0) await delay(pause);
  }

  /**
   * Waits until the guest has read the keys before.
   *
   * @returns Whether it reads keys at all.
   */
  async #untilRead(signal: AbortSignal): Promise<boolean> {
    const began = performance.now();
    while (true) {
      const status = await this.#controllerStatus();
      if (status === undefined) return false;
      const hasUnread = (status & 1) !== 0;
      if (!hasUnread) return true;
      const isLate = performance.now() - began > UNREAD_MS;
      await delay(0.002, signal);
      if (isLate) return false;
    }
  }

  /** The status of a PC's keyboard controller, where there is one. */
  async #controllerStatus(): Promise<number | undefined> {
    const status = /= 0x([\da-f]{2})\b/.exec(await this.#ask("i /b 0x64"));
    const bits = parseInt(status?.[1] ?? "ff", 16);
    // Where there is no controller, all bits are set.
    return bits === 0xff ? undefined : bits;
  }

  async #ask(command: string): Promise<string> {
    return await this.#qmp.send("human-monitor-command", {
      "command-line": command,
    }) as string;
  }

  /** Why QEMU refused an event of a key. */
  async #refusal(error: QmpError): Promise<Error> {
    const { running, status } = await this.#qmp.send("query-status") as {
      running: boolean;
      status: string;
    };
    if (running) return error;
    return new MachineError(
      `${this.#name} takes no keys while it does not run: its status is "${status}"`,
      { cause: error },
    );
  }
}
