/**
 * A model of the classic driver: how it talks with a guest, and how it waits,
 * written from the description of its protocol. It is there to be measured.
 *
 * One command at a time goes over the backdoor console, in two round trips: the
 * command's output as base64, then its status. Whatever is waited for is asked
 * for again and again, with a second's sleep between.
 *
 * @module
 */
import type { ByteStream } from "../../src/stream/mod.ts";
import { writeAll } from "../../src/stream/mod.ts";

/** What the backdoor says when its shell reads commands. */
const GREETING = "Spawning backdoor root shell...";

/** Seconds between two tries. */
const RETRY = 1;

const encoder = new TextEncoder();

/** A guest as the classic driver sees it. */
export class ClassicMachine {
  readonly #lines: Lines;
  readonly #stream: ByteStream;
  /** The command that has the line. */
  #busy: Promise<unknown> = Promise.resolve();

  /** Takes the console that the backdoor's shell reads from. */
  constructor(stream: ByteStream) {
    this.#stream = stream;
    this.#lines = new Lines(stream);
  }

  /** Waits for the backdoor's shell. */
  async connect(): Promise<void> {
    while (!(await this.#lines.next()).includes(GREETING));
  }

  /** Runs a command; those of other callers wait until it is done. */
  execute(
    command: string,
    timeout: number | null = 900,
  ): Promise<[status: number, stdout: string]> {
    const done = this.#busy.then(() => this.#execute(command, timeout));
    this.#busy = done.catch(() => {});
    return done;
  }

  async #execute(
    command: string,
    timeout: number | null,
  ): Promise<[number, string]> {
    const limit = timeout === null ? "" : `timeout ${timeout} `;
    const shell = `bash -c ${quote(`set -euo pipefail; ${command}`)}`;
    await this.#send(`${limit}${shell} | (base64 -w 0; echo)\n`);
    const output = await this.#lines.next();
    await this.#send("echo ${PIPESTATUS[0]}\n");
    const status = Number(await this.#lines.next());
    return [status, new TextDecoder().decode(Uint8Array.fromBase64(output))];
  }

  /** Runs commands that must succeed, without a limit of time. */
  async succeed(...commands: string[]): Promise<string> {
    let output = "";
    for (const command of commands) {
      const [status, out] = await this.execute(command, null);
      if (status !== 0) {
        throw new Error(`\`${command}\` ended with status ${status}: ${out}`);
      }
      output += out;
    }
    return output;
  }

  async #retry(check: () => Promise<boolean>, timeout = 900): Promise<void> {
    for (let tries = 0; tries < timeout; tries++) {
      if (await check()) return;
      await new Promise((resolve) => setTimeout(resolve, RETRY * 1000));
    }
    throw new Error(`Expected to get there in ${timeout} seconds`);
  }

  #untilStatus(command: string, isGood: (status: number) => boolean) {
    return this.#retry(async () => isGood((await this.execute(command))[0]));
  }

  waitForFile(path: string): Promise<void> {
    return this.#untilStatus(`test -e ${path}`, (status) => status === 0);
  }

  waitUntilSucceeds(command: string): Promise<void> {
    return this.#untilStatus(command, (status) => status === 0);
  }

  waitForOpenPort(port: number): Promise<void> {
    return this.#untilStatus(probe(port), (status) => status === 0);
  }

  waitForClosedPort(port: number): Promise<void> {
    return this.#untilStatus(probe(port), (status) => status !== 0);
  }

  waitForUnit(unit: string): Promise<void> {
    return this.#retry(async () => {
      const [, shown] = await this.execute(
        `systemctl --no-pager show "${unit}"`,
      );
      const state = /^ActiveState=(.*)$/m.exec(shown)?.[1];
      if (state === "failed") throw new Error(`${unit} failed`);
      if (state === "inactive") {
        await this.execute("systemctl list-jobs --full 2>&1");
      }
      return state === "active";
    });
  }

  /** Copies a file or a tree by way of the directory that both share. */
  async copyFromHost(
    source: string,
    target: string,
    sharedDir: string,
  ): Promise<void> {
    const directory = await Deno.makeTempDir({ dir: sharedDir });
    try {
      const name = source.slice(source.lastIndexOf("/") + 1);
      const { success } = await new Deno.Command("cp", {
        args: ["-r", "--", source, `${directory}/${name}`],
      }).output();
      if (!success) throw new Error(`Expected to copy ${source}`);
      const guest = `/tmp/shared/${directory.slice(sharedDir.length + 1)}`;
      await this.succeed(`mkdir -p $(dirname ${target})`);
      await this.succeed(`cp -r ${guest}/${name} ${target}`);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  }

  #send(text: string): Promise<void> {
    return writeAll(this.#stream, encoder.encode(text));
  }
}

/**
 * The classic wait for console text: all lines so far are joined and searched
 * again for every line that comes.
 */
export class ClassicConsole {
  readonly #decoder = new TextDecoder();
  #rest = "";
  #lines: string[] = [];

  /** Takes bytes; answers whether the text is there. */
  feed(chunk: Uint8Array, pattern: RegExp): boolean {
    const more = (this.#rest + this.#decoder.decode(chunk, { stream: true }))
      .split(/\r?\n/);
    this.#rest = more.pop()!;
    return more.some((line) => {
      this.#lines.push(line);
      return pattern.test(this.#lines.join("\n"));
    });
  }
}

/** Starts a process, as `nc -z` does; busybox's netcat has no such option. */
function probe(port: number): string {
  return `nc localhost ${port} </dev/null >/dev/null 2>&1`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`;
}

/** Reads a stream line by line. */
class Lines {
  readonly #stream: ByteStream;
  readonly #buffer = new Uint8Array(64 * 1024);
  #parts: string[] = [];
  #ready: string[] = [];

  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  async next(): Promise<string> {
    const decoder = new TextDecoder("latin1");
    while (this.#ready.length === 0) {
      const count = await this.#stream.read(this.#buffer);
      if (count === null) throw new Error("Expected a line, got the end");
      const pieces = decoder.decode(this.#buffer.subarray(0, count))
        .split("\n");
      this.#parts.push(pieces[0]);
      for (const piece of pieces.slice(1)) {
        this.#ready.push(this.#parts.join(""));
        this.#parts = [piece];
      }
    }
    return this.#ready.shift()!;
  }
}
