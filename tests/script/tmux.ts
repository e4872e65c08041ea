/** Seconds that something may take to appear on a screen. */
const PATIENCE = 600;

/** Whether there is a tmux; says so if there is none. */
export function hasTmux(): boolean {
  try {
    new Deno.Command("tmux", { args: ["-V"] }).outputSync();
    return true;
  } catch {
    console.error("skipped: there is no tmux, which is the terminal here");
    return false;
  }
}

/** A real terminal in a program, with one command at it. */
export class Tmux implements AsyncDisposable {
  readonly #socket: string;
  readonly #client: Deno.ChildProcess;
  /** Ends with the last of all that was started at the terminal. */
  readonly #last: Deno.ChildProcess;
  /** Resolved when the screen may have changed. */
  #changed = Promise.withResolvers<void>();

  private constructor(socket: string, last: Deno.ChildProcess) {
    this.#socket = socket;
    this.#last = last;
    // A client in control mode gets everything that the command writes.
    this.#client = new Deno.Command("tmux", {
      args: ["-S", socket, "-C", "attach-session"],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#listen();
  }

  /** Runs a command, given as words, at a terminal of 80 by 24. */
  static async start(options: {
    command: string[];
    directory: string;
    env: Record<string, string>;
  }): Promise<Tmux> {
    const socket = `${options.directory}/tmux-${crypto.randomUUID()}`;
    // What holds the other end open is the command and all that it starts.
    const held = `${socket}-held`;
    await new Deno.Command("mkfifo", { args: [held] }).output();
    const last = new Deno.Command("cat", { args: [held] }).spawn();
    await tmux(socket, [
      ...["-f", "/dev/null"],
      ...["new-session", "-d", "-x", "80", "-y", "24"],
      ...["-c", options.directory],
      ...Object.entries(options.env).flatMap(([name, value]) => [
        "-e",
        `${name}=${value}`,
      ]),
      ...[
        ...["sh", "-c"],
        'exec 9> "$0"; "$@"; echo "left with status $?"; exec cat',
        held,
      ],
      ...options.command,
      ...[";", "set-option", "-g", "window-size", "manual"],
    ]);
    return new Tmux(socket, last);
  }

  /** Types text, as it is. */
  async type(text: string): Promise<void> {
    await tmux(this.#socket, ["send-keys", "-l", text]);
  }

  /** Presses keys by their names, such as `Enter` or `C-c`. */
  async press(...keys: string[]): Promise<void> {
    await tmux(this.#socket, ["send-keys", ...keys]);
  }

  /** Types a line. */
  async enter(line: string): Promise<void> {
    await this.type(line);
    await this.press("Enter");
  }

  /** Gives the terminal another size. */
  async resize(columns: number, rows: number): Promise<void> {
    const size = ["-x", `${columns}`, "-y", `${rows}`];
    await tmux(this.#socket, ["resize-window", ...size]);
  }

  /** Clears the screen, also for later looks at it. */
  async clear(): Promise<void> {
    await tmux(this.#socket, ["send-keys", "-R", ";", "clear-history"]);
  }

  /** The screen's text, without empty lines. */
  async screen(): Promise<string> {
    const text = await tmux(this.#socket, ["capture-pane", "-p"]);
    return text.split("\n").map((line) => line.trimEnd()).filter((line) =>
      line !== ""
    ).join("\n");
  }

  /** The screen's text, with the sequences of its colours. */
  async colours(): Promise<string> {
    return await tmux(this.#socket, ["capture-pane", "-p", "-e"]);
  }

  /** Waits until the screen's text matches. */
  async see(pattern: RegExp): Promise<void> {
    const timeout = AbortSignal.timeout(PATIENCE * 1000);
    const passed = new Promise<void>((resolve) =>
      timeout.addEventListener("abort", () => resolve())
    );
    while (true) {
      const changed = this.#changed.promise;
      const screen = await this.screen();
      if (pattern.test(screen)) return;
      if (timeout.aborted) {
        throw new Error(
          `${pattern} did not appear in ${PATIENCE} seconds on\n${screen}\n--- now\n${await this
            .screen()}`,
        );
      }
      await Promise.race([changed, passed]);
    }
  }

  /** Ends the terminal with all that runs there, and waits for the end of it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await tmux(this.#socket, ["kill-server"]).catch(() => {});
    await this.#client.stdin.close().catch(() => {});
    await this.#client.status;
    await this.#last.status;
  }

  async #listen(): Promise<void> {
    for await (const _ of this.#client.stdout) {
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
  }
}

async function tmux(socket: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("tmux", {
    args: ["-S", socket, ...args],
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (success) return text(stdout);
  throw new Error(`tmux ${args[0]} failed: ${text(stderr)}`);
}
