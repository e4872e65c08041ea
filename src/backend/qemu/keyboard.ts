import { MachineError } from "../../errors.ts";
import { type QmpClient, QmpClosed, QmpError } from "../../qmp/mod.ts";
import { delay } from "../../time/mod.ts";
import type { GuestKey, GuestKeyboard } from "../backend.ts";

/**
 * Keyboards other than the PC's, by QEMU's names for their devices, with the
 * seconds that they need between two events: a USB host polls every 8 ms, if it
 * is not late.
 */
const OTHER_KEYBOARDS: [device: RegExp, pause: number][] = [
  [/\bdev: usb-kbd\b/, 0.016],
  [/\bdev: virtio-(keyboard|input-host)\b/, 0.01],
];
/** What QEMU says of a key that no device takes. */
const NO_KEYBOARD = /Input handler not found/;
/**
 * Milliseconds that a guest has to read the keys of a stroke, and how many of
 * them pass between two looks: more than that, QEMU or the driver stood still.
 */
const UNREAD_MS = 1000, LOOK_MS = 50;

/**
 * Presses keys, each by two events. It does not use QEMU's `send-key`, whose
 * queue drops events that do not fit, even releases, and which returns before
 * the queue is empty. A keyboard has a queue too, of 16 bytes or events. So
 * this sends events no faster than the keyboard takes them, and waits if a
 * guest is slow to read the PC's keyboard.
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
    const perEvent = Math.max(0, ...await this.#pauses());
    let isRead = true;
    for (const keys of strokes) {
      signal.throwIfAborted();
      isRead &&= await this.#untilRead(signal);
      await this.#stroke(keys);
      const pause = Math.max(atLeast, 2 * keys.length * perEvent);
      if (pause > 0) await delay(pause, signal);
    }
  }

  /**
   * Sends all events at once: a guest repeats a key that it sees down for long,
   * so the releases must not wait for a driver that stands still. The keys go
   * down by one command, of which QEMU does nothing if it does not know a key.
   */
  async #stroke(keys: GuestKey[]): Promise<void> {
    const sent = await Promise.allSettled([
      this.#send(keys, true),
      ...keys.toReversed().map((key) => this.#release(key)),
    ]);
    const failed = sent.find(({ status }) => status === "rejected");
    if (failed === undefined) return;
    const { reason } = failed as PromiseRejectedResult;
    throw reason instanceof QmpError ? await this.#refusal(reason) : reason;
  }

  /**
   * The seconds that the keyboards other than the PC's need for each event.
   */
  async #pauses(): Promise<number[]> {
    const devices = await this.#ask("info qtree");
    return OTHER_KEYBOARDS.filter(([device]) => device.test(devices))
      .map(([_, pause]) => pause);
  }

  async #release(key: GuestKey): Promise<void> {
    try {
      await this.#send([key], false);
    } catch (error) {
      // Keys such as Ctrl+Alt+Delete may end the guest before they are
      // released.
      if (!(error instanceof QmpClosed)) throw error;
    }
  }

  async #send(keys: GuestKey[], down: boolean): Promise<void> {
    const events = keys.map((key) => ({ type: "key", data: { down, key } }));
    await this.#qmp.send("input-send-event", { events });
  }

  /**
   * Waits until the guest has read the earlier keys.
   *
   * @returns Whether the guest reads keys at all.
   */
  async #untilRead(signal: AbortSignal): Promise<boolean> {
    let last = performance.now();
    for (let waited = 0; waited <= UNREAD_MS;) {
      const status = await this.#controllerStatus();
      if (status === undefined) return false;
      const hasUnread = (status & 1) !== 0;
      if (!hasUnread) return true;
      await delay(0.002, signal);
      const now = performance.now();
      waited += Math.min(now - last, LOOK_MS);
      last = now;
    }
    return false;
  }

  /** The status of the PC's keyboard controller, if the guest has one. */
  async #controllerStatus(): Promise<number | undefined> {
    const status = /= 0x([\da-f]{2})\b/.exec(await this.#ask("i /b 0x64"));
    const bits = parseInt(status?.[1] ?? "ff", 16);
    // Without a controller, all bits are set.
    return bits === 0xff ? undefined : bits;
  }

  async #ask(command: string): Promise<string> {
    return await this.#qmp.send("human-monitor-command", {
      "command-line": command,
    }) as string;
  }

  /** Explains why QEMU has refused a key's event. */
  async #refusal(error: QmpError): Promise<Error> {
    const { running, status } = await this.#qmp.send("query-status") as {
      running: boolean;
      status: string;
    };
    if (NO_KEYBOARD.test(error.description)) {
      return new MachineError(
        `${this.#name} has no keyboard, as most machine types but the PC's: ` +
          "have the start script say -device virtio-keyboard, or " +
          "-device usb-ehci -device usb-kbd",
        { cause: error },
      );
    }
    if (running) return error;
    return new MachineError(
      `${this.#name} takes no keys while it does not run: its status is "${status}"`,
      { cause: error },
    );
  }
}
