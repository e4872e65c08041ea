import { attachShell } from "../../machine/hands/raw_shell.ts";
import { coreOf, type QemuMachine } from "../../machine/mod.ts";
import type { Log } from "../../report/mod.ts";
import { QmpError } from "../../qmp/mod.ts";
import { type ByteStream, isClosedError, writeAll } from "../../stream/mod.ts";

/** The sockets of a machine to which a script can connect. */
export const doors = ["shell", "monitor", "qmp"] as const;

/** One of {@linkcode doors}. */
export type Door = typeof doors[number];

/** The greeting of the backdoor's shell. */
const GREETING = "Spawning backdoor root shell...\n";
/** The prompt of QEMU's monitor. */
const PROMPT = "(qemu) ";

/** The place of a machine's sockets. */
export interface DoorPlace {
  /** A private directory with a short path. */
  readonly directory: string;
  /** Distinguishes the machines in it. */
  readonly number: number;
}

/**
 * Sockets of a machine for scripts that connect to them directly. The driver
 * holds the machine's own sockets, and serves any number of others on these.
 */
export class Doors implements Disposable {
  readonly #machine: QemuMachine;
  readonly #log: Log;
  readonly #place: DoorPlace;
  readonly #open = new Map<Door, Deno.Listener>();
  readonly #visitors = new Set<Deno.Conn>();

  /**
   * Takes the machine.
   *
   * @param machine The machine.
   * @param log Gets the errors.
   * @param place The place of the sockets.
   */
  constructor(machine: QemuMachine, log: Log, place: DoorPlace) {
    this.#machine = machine;
    this.#log = log;
    this.#place = place;
  }

  /** Opens a socket, and returns its path. */
  path(door: Door): string {
    const path = `${this.#place.directory}/${this.#place.number}.${door}`;
    if (!this.#open.has(door)) {
      const listener = Deno.listen({ transport: "unix", path });
      Deno.chmodSync(path, 0o600);
      this.#open.set(door, listener);
      this.#serve(door, listener);
    }
    return path;
  }

  /** Closes all sockets. */
  [Symbol.dispose](): void {
    for (const one of [...this.#open.values(), ...this.#visitors]) close(one);
    this.#open.clear();
    this.#visitors.clear();
  }

  async #serve(door: Door, listener: Deno.Listener): Promise<void> {
    try {
      for await (const visitor of listener) {
        this.#visitors.add(visitor as Deno.Conn);
        this.#receive(door, visitor as Deno.Conn).catch((error) => {
          if (isClosedError(error)) return;
          const { name: machine } = this.#machine;
          this.#log.warning(
            `a connection of the script's to its ${door} failed: ${error}`,
            { machine },
          );
        }).finally(() => {
          this.#visitors.delete(visitor as Deno.Conn);
          close(visitor);
        });
      }
    } catch (error) {
      if (!isClosedError(error)) throw error;
    }
  }

  async #receive(door: Door, visitor: Deno.Conn): Promise<void> {
    if (door === "shell") return await this.#shell(visitor);
    if (door === "monitor") return await this.#monitor(visitor);
    await this.#qmp(visitor);
  }

  async #shell(visitor: Deno.Conn): Promise<void> {
    // The guest's own shell also greets only the first client.
    if (!this.#machine.connected) {
      await this.#machine.connect();
      await say(visitor, GREETING);
    }
    await attachShell(coreOf(this.#machine), visitor);
  }

  async #monitor(visitor: Deno.Conn): Promise<void> {
    await say(visitor, PROMPT);
    for await (const line of linesOf(visitor)) {
      const answer = await this.#machine.sendMonitorCommand(line);
      await say(visitor, `${line}\r\n${answer}${PROMPT}`);
    }
  }

  async #qmp(visitor: Deno.Conn): Promise<void> {
    const client = this.#machine.qmpClient;
    const tell = (message: unknown) =>
      say(visitor, `${JSON.stringify(message)}\r\n`);
    const version = await client.send("query-version");
    await tell({ QMP: { version, capabilities: [] } });
    const stop = client.onEvent((event) => {
      tell(event).catch(() => {});
    });
    try {
      for await (const line of linesOf(visitor)) {
        await tell(await answer(client, line));
      }
    } finally {
      stop();
    }
  }
}

/** Runs a QMP command of another client, and returns QEMU's answer. */
async function answer(
  client: QemuMachine["qmpClient"],
  text: string,
): Promise<unknown> {
  let id: unknown;
  try {
    const { execute, arguments: args, ...rest } = JSON.parse(text);
    id = rest.id;
    // Each client ends the negotiation mode itself. The driver has done that
    // already.
    const value = execute === "qmp_capabilities"
      ? {}
      : await client.send(String(execute), args);
    return { return: value, id };
  } catch (error) {
    if (error instanceof QmpError) {
      const desc = error.description;
      return { error: { class: error.errorClass, desc }, id };
    }
    if (!(error instanceof SyntaxError)) throw error;
    const desc = "Invalid JSON syntax";
    return { error: { class: "GenericError", desc }, id };
  }
}

/**
 * Yields lines that are not empty, and also complete JSON values without a line
 * end.
 */
async function* linesOf(stream: ByteStream): AsyncGenerator<string> {
  const buffer = new Uint8Array(16 * 1024);
  const decoder = new TextDecoder();
  let text = "";
  while (true) {
    const count = await stream.read(buffer);
    if (count === null) return;
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
    const lines = text.split(/\r?\n/);
    text = isWhole(lines.at(-1)!) ? "" : lines.pop()!;
    for (const line of lines) if (line.trim() !== "") yield line;
  }
}

function isWhole(text: string): boolean {
  if (!text.trimStart().startsWith("{")) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function say(stream: ByteStream, text: string): Promise<void> {
  return writeAll(stream, new TextEncoder().encode(text));
}

function close(one: { close(): void }): void {
  try {
    one.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
