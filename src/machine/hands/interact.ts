import { MachineError, UsageError } from "../../errors.ts";
import {
  divertStandardError,
  writeStandardError,
} from "../../report/standard_error.ts";
import { isClosedError, writeAll } from "../../stream/mod.ts";
import { Terminal, withoutColours } from "../../terminal/mod.ts";
import { within } from "../../time/mod.ts";
import type { MachineCore } from "../core.ts";
import { GuestTerminal } from "./guest_terminal.ts";
import { listenAt } from "../waits/socket_address.ts";

/** Ctrl-], as in telnet. */
const LEAVE = 0x1d;
/** Ctrl-D. */
const END = 0x04;
/**
 * How many characters of the log the driver keeps while a guest has the
 * terminal.
 */
const HELD = 1 << 20;
/** Seconds after the shell's end in which its last output arrives. */
const SETTLE = 0.5;

/** Connects a shell of the guest with the host's terminal, or with a socket. */
export async function shellInteract(
  core: MachineCore,
  address?: string,
): Promise<void> {
  if (address !== undefined) return await shellAt(core, address);
  if (!Terminal.present) {
    throw new UsageError(
      `shellInteract() expects a terminal, or an address such as "unix:/tmp/${core.name}"`,
    );
  }
  const host = await Terminal.open();
  const guest = await GuestTerminal.open(core, host.size, terminalKind());
  const screen = new Screen(host);
  core.log.info(
    "a shell in the guest: exit or Ctrl-] leaves it",
    core.attributes,
  );
  core.log.flush();
  const left = Promise.withResolvers<void>();
  try {
    using _log = holdLog();
    using _size = host.onResize(() => {
      guest.resize(host.size).catch(() => {});
    });
    using _keys = host.take({
      verbatim: true,
      take: (bytes) => {
        const at = bytes.indexOf(LEAVE);
        guest.write(at < 0 ? bytes : bytes.subarray(0, at));
        if (at >= 0) left.resolve();
      },
      end: left.resolve,
    });
    await Promise.race([
      left.promise,
      untilEnd(guest, (bytes) => screen.show(bytes)),
    ]);
    screen.leave();
  } finally {
    await guest.close();
  }
}

/** Connects a shell of the guest with a socket. */
async function shellAt(core: MachineCore, address: string): Promise<void> {
  await using listener = listenAt(address);
  // A machine without a terminal fails before anybody connects.
  await core.watched(() => GuestTerminal.demand(core));
  core.log.info(
    `a shell in the guest waits at ${listener.address}`,
    core.attributes,
  );
  await core.watched(async (signal) => {
    const connection = await listener.accept(signal);
    const guest = await GuestTerminal.open(
      core,
      { rows: 24, columns: 80 },
      terminalKind(),
    );
    try {
      const typed = (async () => {
        const buffer = new Uint8Array(16 * 1024);
        for (let count; (count = await connection.read(buffer)) !== null;) {
          await guest.write(buffer.subarray(0, count));
        }
      })();
      const shown = untilEnd(guest, (bytes) => writeAll(connection, bytes));
      await Promise.race([typed, shown]);
    } catch (error) {
      if (!isClosedError(error)) throw error;
    } finally {
      await guest.close();
    }
  });
}

/** Connects the serial console with the host's terminal. */
export async function consoleInteract(core: MachineCore): Promise<void> {
  if (!Terminal.present) {
    throw new UsageError("consoleInteract() expects a terminal, got none");
  }
  const host = await Terminal.open();
  const { guest } = core.running();
  const screen = new Screen(host);
  core.log.info(
    "the serial console: Ctrl-D or Ctrl-] leaves it",
    core.attributes,
  );
  core.log.flush();
  const left = Promise.withResolvers<void>();
  await core.watched(async (signal) => {
    // The screen already shows the console's lines.
    using _log = holdLog((line) => !line.startsWith(`${core.name} # `));
    using _serial = core.onSerial((bytes) => screen.show(bytes));
    using _keys = host.take({
      verbatim: true,
      take: (bytes) => {
        const at = bytes.findIndex((byte) => byte === LEAVE || byte === END);
        guest.writeSerial(at < 0 ? bytes.slice() : bytes.slice(0, at))
          .catch(() => {});
        if (at >= 0) left.resolve();
      },
      end: left.resolve,
    });
    await Promise.race([left.promise, core.waitForEnd(signal)]);
    screen.leave();
  });
}

/**
 * Shows the output of the guest's shell until the shell has ended in any way.
 */
async function untilEnd(
  guest: GuestTerminal,
  show: (bytes: Uint8Array) => unknown,
): Promise<void> {
  const read = guest.read(show);
  try {
    await Promise.race([read, guest.ended]);
  } catch (error) {
    // A person who turns the guest off in its shell needs no message.
    if (!(error instanceof MachineError)) throw error;
  }
  await within(SETTLE, read);
}

/** Holds the log back while something else uses the screen. */
function holdLog(isKept: (line: string) => boolean = () => true): Disposable {
  let held = "";
  let lost = false;
  const diversion = divertStandardError((text) => {
    held += text.split(/(?<=\n)/).filter((line) => isKept(withoutColours(line)))
      .join(
        "",
      );
    if (held.length <= HELD) return;
    held = held.slice(held.indexOf("\n", held.length - HELD) + 1);
    lost = true;
  });
  return {
    [Symbol.dispose]() {
      diversion[Symbol.dispose]();
      if (lost) writeStandardError("(earlier lines of the log are left out)\n");
      if (held !== "") writeStandardError(held);
    },
  };
}

/** The host's terminal, with the modes that a guest has set. */
class Screen {
  readonly #terminal: Terminal;
  /** The private modes of the terminal that the guest has turned on. */
  readonly #modes = new Set<string>();
  #atLineStart = true;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(bytes: Uint8Array): void {
    this.#terminal.write(bytes);
    this.#atLineStart = bytes.at(-1) === 10;
    const text = new TextDecoder("latin1").decode(bytes);
    // deno-lint-ignore no-control-regex
    for (const [, modes, set] of text.matchAll(/\x1b\[\?([\d;]+)([hl])/g)) {
      for (const mode of modes.split(";")) {
        // The cursor is the only mode that is on at first.
        if ((set === "h") !== (mode === "25")) this.#modes.add(mode);
        else this.#modes.delete(mode);
      }
    }
  }

  /** Resets the modes that an interrupted program has left. */
  leave(): void {
    for (const mode of this.#modes) {
      this.#terminal.write(`\x1b[?${mode}${mode === "25" ? "h" : "l"}`);
    }
    this.#terminal.write(`\x1b[0m${this.#atLineStart ? "" : "\r\n"}`);
  }
}

function terminalKind(): string {
  const kind = Deno.env.get("TERM") ?? "";
  return /^[\w.+-]+$/.test(kind) ? kind : "vt100";
}
