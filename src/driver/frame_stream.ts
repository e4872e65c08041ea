import type { Supervisor } from "../backend/mod.ts";
import { MachineError } from "../errors.ts";
import { shellQuote } from "../shell/mod.ts";
import { type ByteStream, PipeReader } from "../stream/mod.ts";
import { delay, within } from "../time/mod.ts";
import type { NetworkNamespace } from "./network_namespace.ts";
import { VdeSwitch } from "./vde_switch.ts";

/** Bytes of the length before a frame: vde_plug's, and that of a `FramePath`. */
const SHORT = 2, LONG = 4;
/** Bytes of the longest frame that vde_switch passes on whole. */
const LONGEST = 1518;
/** Bytes of frames that nobody has read, at most. */
const ROOM = 64 * 1024 * 1024;
/** The switch's ports: vde_switch does not use the first, the TAP has one. */
const PORTS = 4;
/** The kind of a frame that only marks a place: one for local experiments. */
const MARK_TYPE = "88b6";
/** Seconds until a mark that was lost is sent again, and until that ends. */
const AGAIN = 0.25, PATIENCE = 30;
/** Seconds between two looks at how many frames the TAP has sent. */
const INTERVAL = 0.002;

/** How a {@linkcode FrameStream} is made. */
export interface FrameStreamOptions {
  /** The name of its TAP. */
  readonly tap: string;
  /** Where the TAP is to be. */
  readonly namespace: NetworkNamespace;
  readonly supervisor: Supervisor;
}

/**
 * A TAP whose frames come to the driver, and that sends the driver's: the other
 * end of it is a `vde_switch` of its own, and a `vde_plug` in there. Each frame
 * is behind its length, four bytes.
 *
 * Nothing tells where a frame is on this way. So this sends a mark, a frame to
 * {@linkcode FrameStream.address}. When the mark has come back, everything that
 * came to the TAP before it has arrived here. A bridge with the TAP must send
 * marks back.
 */
export class FrameStream implements ByteStream {
  /** The hardware address of the marks: a local one that no card has. */
  readonly address: string;
  readonly #options: FrameStreamOptions;
  readonly #directory: string;
  readonly #switch: VdeSwitch;
  readonly #plug: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #said: Promise<string>;
  readonly #read: Promise<void>;
  readonly #mark: Uint8Array;
  /** Frames that nobody has read, each behind its length. */
  #frames: Uint8Array[] = [];
  #bytes = 0;
  #isOver = false;
  #wake = Promise.withResolvers<void>();
  /** Called when a mark has come, by the number in it. */
  readonly #marks = new Map<number, () => void>();
  #lastMark = 0;
  /** How many frames, marks among them, the TAP is to send. */
  #sent = 0;
  /** What waits to be sent, while nothing is. */
  #held?: Uint8Array[];
  /** The part of a frame that was written. */
  #unwritten = new Uint8Array(0);
  #stopped?: Promise<void>;

  private constructor(
    options: FrameStreamOptions,
    directory: string,
    made: VdeSwitch,
    plug: Deno.ChildProcess,
  ) {
    this.#options = options;
    this.#directory = directory;
    this.#switch = made;
    this.#plug = plug;
    this.#writer = plug.stdin.getWriter();
    this.#said = new Response(plug.stderr).text();
    const random = crypto.getRandomValues(new Uint8Array(5)).toHex();
    this.address = `02${random}`.match(/../g)!.join(":");
    this.#mark = new Uint8Array(SHORT + 64);
    this.#mark[1] = 64;
    this.#mark.set(
      Uint8Array.fromHex(`02${random}02${random}${MARK_TYPE}`),
      SHORT,
    );
    this.#read = this.#readAll(plug.stdout);
  }

  /**
   * Makes the TAP, which is in no bridge yet.
   *
   * @throws {MachineError} if vde_switch or vde_plug is missing, or the host
   * makes no TAP.
   */
  static async open(options: FrameStreamOptions): Promise<FrameStream> {
    const { tap, namespace, supervisor } = options;
    const directory = supervisor.makeDirectory("/tmp", "vmwright-");
    const sockets = shellQuote(`${directory}/ctl`);
    try {
      const made = await VdeSwitch.start(
        `${namespace.enter.map(shellQuote).join(" ")} vde_switch --hub ` +
          `--numports ${PORTS} --tap ${tap} --sock ${sockets} --dirmode 0700`,
        "the link of a microVM",
        supervisor,
      );
      const plug = supervisor.spawn(`exec vde_plug ${sockets}`);
      return new FrameStream(options, directory, made, plug);
    } catch (error) {
      await removeDirectory(directory, supervisor);
      throw error;
    }
  }

  /**
   * Holds back what is written from now on.
   *
   * @returns A function that sends these bytes, and later ones at once.
   */
  hold(): () => Promise<void> {
    this.#held ??= [];
    return async () => {
      const held = this.#held ?? [];
      this.#held = undefined;
      await this.#send(held);
    };
  }

  /** Waits until the TAP has sent everything, or until it is stopped. */
  async hasSent(): Promise<void> {
    const { namespace, tap } = this.#options;
    let last = 0, waited = 0;
    while (!this.#isOver) {
      const now = namespace.received(tap);
      if (now >= this.#sent) return;
      // The count stays if a frame was lost.
      waited = now === last ? waited + INTERVAL : 0;
      if (waited > PATIENCE) return;
      last = now;
      await delay(INTERVAL);
    }
  }

  /**
   * Waits until everything that has come to the TAP can be read, or until the
   * stream is stopped.
   *
   * @throws {MachineError} if no frame goes that way.
   */
  async hasCome(): Promise<void> {
    const number = ++this.#lastMark;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#marks.set(number, () => resolve(true));
    const over = this.#plug.status.then(() => false);
    try {
      for (let waited = 0; waited < PATIENCE; waited += AGAIN) {
        if (this.#isOver) return;
        // Where it has ended, that is seen below.
        await this.#send([this.#numbered(number)]).catch(() => {});
        const came = await within(AGAIN, Promise.race([promise, over]));
        if (came) return;
        if (came === false) break;
      }
    } finally {
      this.#marks.delete(number);
    }
    if (this.#isOver) return;
    this.#options.supervisor.kill(this.#plug);
    throw new MachineError(
      "the frames of a microVM's card can't be led through the driver: " +
        ((await this.#said).trim() || "vde_plug passes none on"),
    );
  }

  /** The name of its TAP. */
  get tap(): string {
    return this.#options.tap;
  }

  /** Reads frames, as many as fit. */
  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#frames.length === 0) {
      if (this.#isOver) return null;
      await this.#wake.promise;
    }
    let filled = 0, taken = 0;
    for (const frame of this.#frames) {
      const part = frame.subarray(0, buffer.length - filled);
      buffer.set(part, filled);
      filled += part.length;
      if (part.length < frame.length) {
        this.#frames[taken] = frame.subarray(part.length);
        break;
      }
      taken++;
    }
    this.#frames.splice(0, taken);
    this.#bytes -= filled;
    return filled;
  }

  /** Writes frames, and the part of one, whose rest the next call has. */
  async write(bytes: Uint8Array): Promise<number> {
    const all = joined(this.#unwritten, bytes);
    const frames: Uint8Array[] = [];
    let at = 0;
    while (all.length - at >= LONG) {
      const length = new DataView(all.buffer, all.byteOffset + at).getUint32(0);
      const end = at + LONG + length;
      if (end > all.length) break;
      if (length <= LONGEST) {
        // Its length's last two bytes are all of it.
        frames.push(all.subarray(at + LONG - SHORT, end));
      }
      at = end;
    }
    this.#unwritten = all.slice(at);
    if (this.#held !== undefined) this.#held.push(...frames);
    else await this.#send(frames);
    return bytes.length;
  }

  /** Ends the reading. */
  close(): void {
    this.#isOver = true;
    this.#wake.resolve();
  }

  /** Removes the TAP, and waits until that is done. */
  stop(): Promise<void> {
    return this.#stopped ??= (async () => {
      this.close();
      this.#options.supervisor.kill(this.#plug);
      await this.#plug.status;
      this.#options.supervisor.reap(this.#plug);
      await this.#writer.close().catch(() => {});
      await Promise.all([this.#read, this.#said]);
      await this.#switch.stop();
      await removeDirectory(this.#directory, this.#options.supervisor);
    })();
  }

  async #send(frames: Uint8Array[]): Promise<void> {
    if (frames.length === 0) return;
    this.#sent += frames.length;
    try {
      await this.#writer.write(joined(...frames));
    } catch {
      // The process has ended, and the frames in it are lost.
      throw new Deno.errors.BrokenPipe("vde_plug has ended");
    }
  }

  #numbered(number: number): Uint8Array {
    const mark = this.#mark.slice();
    new DataView(mark.buffer).setUint32(SHORT + 14, number);
    return mark;
  }

  async #readAll(stream: ReadableStream<Uint8Array>): Promise<void> {
    let rest = new Uint8Array(0);
    for await (const chunk of new PipeReader(stream)) {
      const bytes = joined(rest, chunk);
      let at = 0;
      while (bytes.length - at >= SHORT) {
        const end = at + SHORT + (bytes[at] << 8 | bytes[at + 1]);
        if (end > bytes.length) break;
        this.#take(bytes.subarray(at, end));
        at = end;
      }
      rest = bytes.slice(at);
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    }
    this.close();
  }

  /** Takes a frame behind its short length. */
  #take(bytes: Uint8Array): void {
    const isMark = bytes.length === this.#mark.length &&
      this.#mark.subarray(0, SHORT + 14)
        .every((byte, at) => byte === bytes[at]);
    if (isMark) {
      const number = new DataView(bytes.buffer, bytes.byteOffset)
        .getUint32(SHORT + 14);
      this.#marks.get(number)?.();
      return;
    }
    if (this.#isOver || this.#bytes > ROOM) return;
    const frame = new Uint8Array(LONG - SHORT + bytes.length);
    frame.set(bytes, LONG - SHORT);
    this.#frames.push(frame);
    this.#bytes += frame.length;
  }
}

async function removeDirectory(
  path: string,
  supervisor: Supervisor,
): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch(() => {});
  supervisor.disown(path);
}

function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
