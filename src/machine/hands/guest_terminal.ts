import { MachineError } from "../../errors.ts";
import { ByteFinder } from "../../scan/mod.ts";
import { shellQuote } from "../../shell/mod.ts";
import { type ByteStream, isClosedError, writeAll } from "../../stream/mod.ts";
import type { TerminalSize } from "../../terminal/mod.ts";
import { after } from "../../time/mod.ts";
import type { MachineCore } from "../core.ts";
import { WordQueue } from "./word_queue.ts";
import terminalScript from "./guest_terminal.sh" with { type: "text" };

/** Seconds in which a shell has to end after its terminal has hung up. */
const HANGUP = 2;

/** The meanings of the exit statuses of the guest's side. */
const PROBLEMS: Record<number, string> = {
  3: "no console appeared in the guest",
  4: "the guest has no setsid",
};

/** The last opened terminal of each machine. */
const opening = new WeakMap<MachineCore, Promise<unknown>>();

/**
 * A terminal of the guest with a shell on it. A virtual machine gets a new
 * console for it, so the guest needs only bash, stty and setsid. A container
 * opens a terminal of its own.
 */
export class GuestTerminal {
  readonly #core: MachineCore;
  readonly #stream: ByteStream;
  readonly #device: string;
  readonly #remove: () => Promise<void>;
  readonly #end: Uint8Array;
  #writing: Promise<void> = Promise.resolve();
  /**
   * Settled when the guest's shell has ended. It rejects if the driver can't
   * reach the shell any more.
   */
  readonly ended: Promise<void>;

  private constructor(options: {
    core: MachineCore;
    stream: ByteStream;
    device: string;
    end: string;
    ended: Promise<void>;
    remove: () => Promise<void>;
  }) {
    this.#core = options.core;
    this.#stream = options.stream;
    this.#device = options.device;
    this.#end = new TextEncoder().encode(options.end);
    this.ended = options.ended;
    this.#remove = options.remove;
  }

  /**
   * Demands a guest that can have a terminal; starts it, if it does not run.
   *
   * @throws {MachineError} if its hypervisor gives it none.
   */
  static async demand(core: MachineCore): Promise<void> {
    await core.ready();
    if (core.running().guest.addTerminal !== undefined) return;
    core.capability("consoles", "shellInteract()");
  }

  /**
   * Gives the guest one more console, and starts a shell on it. Terminals of a
   * machine are opened one after the other, so that each finds its own console.
   *
   * @param core The machine.
   * @param size The terminal's size at first.
   * @param term The kind of terminal, as the value of `TERM`.
   * @throws {MachineError} if the machine can't have such a console.
   */
  static open(
    core: MachineCore,
    size: TerminalSize,
    term: string,
  ): Promise<GuestTerminal> {
    const opened = (opening.get(core) ?? Promise.resolve()).then(() =>
      GuestTerminal.#open(core, size, term)
    );
    opening.set(core, opened.catch(() => {}));
    return opened;
  }

  static async #open(
    core: MachineCore,
    size: TerminalSize,
    term: string,
  ): Promise<GuestTerminal> {
    await core.ready();
    const mark = `vw${crypto.randomUUID()}`;
    const end = `\0${mark}`;
    const { guest } = core.running();
    if (guest.addTerminal !== undefined) {
      try {
        const added = await guest.addTerminal({ ...size, term });
        return new GuestTerminal({ core, end, ...added });
      } catch (error) {
        if (!(error instanceof MachineError)) throw error;
        throw new MachineError(
          `${core.name} can't have a terminal: ${error.message}`,
        );
      }
    }
    const consoles = core.capability("consoles", "shellInteract()");
    const said = new WordQueue();
    const leave = new AbortController();
    const words = [String(size.rows), String(size.columns), term, mark];
    const ended = core.run(
      `set -- ${words.map((word) => shellQuote(word)).join(" ")}\n` +
        terminalScript,
      { signal: leave.signal, onStdout: (chunk) => said.push(chunk) },
    ).then(({ status }) => {
      const what = PROBLEMS[status] ?? `the guest's shell ended (${status})`;
      said.fail(
        new MachineError(`${core.name} can't have a terminal: ${what}`),
      );
    }, (error) => {
      said.fail(error);
      throw error;
    });
    ended.catch(() => {});
    const isEnded = ended.catch(() => {});
    let remove = async () => {
      leave.abort();
      await isEnded;
    };
    try {
      await said.next();
      const added = await consoles.add();
      remove = async () => {
        await added.remove();
        const cancel = after(HANGUP, () => leave.abort());
        await isEnded;
        cancel();
      };
      const device = await said.next();
      return new GuestTerminal({
        core,
        stream: added.stream,
        device,
        end,
        ended,
        remove,
      });
    } catch (error) {
      await remove();
      throw error;
    }
  }

  /**
   * Passes on the guest's output, until its shell has ended.
   *
   * @param show Gets bytes, which are valid only during the call.
   */
  async read(show: (bytes: Uint8Array) => unknown): Promise<void> {
    using finder = new ByteFinder(this.#end);
    const buffer = new Uint8Array(64 * 1024);
    let held = 0;
    try {
      while (true) {
        const count = await this.#stream.read(buffer.subarray(held));
        if (count === null) {
          if (held > 0) await show(buffer.subarray(0, held));
          return;
        }
        const bytes = buffer.subarray(0, held + count);
        const at = finder.find(bytes);
        // If the mark is incomplete, its beginning may be here: it is a rare
        // byte.
        const begun = at >= 0 ? at : bytes.indexOf(
          this.#end[0],
          Math.max(0, bytes.length - this.#end.length + 1),
        );
        const until = begun >= 0 ? begun : bytes.length;
        if (until > 0) await show(bytes.subarray(0, until));
        if (at >= 0) return;
        held = bytes.length - until;
        buffer.copyWithin(0, until, bytes.length);
      }
    } catch (error) {
      if (!isClosedError(error)) throw error;
    }
  }

  /** Types in the guest, after earlier input. */
  write(bytes: Uint8Array): Promise<void> {
    const copy = bytes.slice();
    return this.#writing = this.#writing.then(async () => {
      try {
        await writeAll(this.#stream, copy);
      } catch (error) {
        if (!isClosedError(error)) throw error;
      }
    });
  }

  /** Tells the guest the terminal's new size. */
  async resize({ columns, rows }: TerminalSize): Promise<void> {
    await this.#core.run(
      `stty -F ${this.#device} rows ${rows} cols ${columns}`,
      { timeout: 10 },
    );
  }

  /** Hangs up, and removes the console from the guest. */
  async close(): Promise<void> {
    await this.#remove();
  }
}
