import { consoleText } from "./console_text.ts";
import { OutputLost, ServerLost, type ShellLost } from "./errors.ts";
import type { GuestCalls } from "./guest_calls.ts";
import type { Job } from "./job.ts";
import type { LeftBehind } from "./left_behind.ts";
import type { Liveness } from "./liveness.ts";
import type { Death, Message } from "./message.ts";
import { programOf } from "./program.ts";

/**
 * How many messages of output the guest may send before the host has read them,
 * for all jobs together. QEMU drops what its socket has no room for: that is room
 * for 93 of the longest.
 */
const WINDOW = 40;

/** A job that the shell runs. */
interface Running {
  readonly job: Job;
  /** How many bytes of each stream have come. */
  readonly came: { stdout: number; stderr: number };
  /** Whether the shell was sent it. */
  isSent: boolean;
}

/** What a {@linkcode ConsoleWay} needs. */
export interface ConsoleWayOptions {
  readonly calls: GuestCalls;
  readonly left: LeftBehind;
  readonly liveness: Liveness;
  /** Called when the shell can take one more job. */
  readonly changed: () => void;
}

/**
 * Runs commands over the backdoor console, any number at a time, if the guest
 * has no ports, or all are busy.
 *
 * The shell starts them one after the other, and all else that the host asks of
 * it would wait behind them: so it is sent one when it has read the one before.
 */
export class ConsoleWay {
  readonly #calls: GuestCalls;
  readonly #left: LeftBehind;
  readonly #liveness: Liveness;
  readonly #changed: () => void;
  readonly #jobs = new Map<string, Running>();
  /** Those that were sent, and that the shell has not read yet. */
  readonly #sent = new Set<string>();
  /** Send jobs whose stdin was read while the shell had yet to read others. */
  readonly #waiting: (() => void)[] = [];

  constructor({ calls, left, liveness, changed }: ConsoleWayOptions) {
    this.#calls = calls;
    this.#left = left;
    this.#liveness = liveness;
    this.#changed = changed;
  }

  /** Whether the shell has yet to read a job. */
  get isTaking(): boolean {
    return this.#sent.size > 0;
  }

  /** Runs a job. */
  async run(job: Job): Promise<void> {
    const id = `c${this.#calls.number()}`;
    const { stdin } = job.options;
    this.#jobs.set(id, { job, came: { stdout: 0, stderr: 0 }, isSent: false });
    this.#left.expect(id, job.command);
    job.watch(
      (signal) => this.#calls.kill(id, signal),
      () => this.#remove(id),
    );
    if (stdin === undefined) return await this.#send(id, job, job.command);
    let command: string;
    try {
      command = await withStdin(job.command, stdin);
    } catch (error) {
      this.#remove(id);
      return job.fail(error);
    }
    this.#waiting.push(() => void this.#send(id, job, command));
    this.#next();
  }

  /** Sends the next job, if the shell can take one. */
  #next(): void {
    while (!this.isTaking) {
      const send = this.#waiting.shift();
      if (send === undefined) return this.#changed();
      send();
    }
  }

  async #send(id: string, job: Job, command: string): Promise<void> {
    // Before its turn, the shell may be lost, or the time over.
    if (job.over) {
      this.#remove(id);
      return job.end(124);
    }
    const { stderr = "serial", onSent } = job.options;
    const isApart = stderr === "separate";
    const program = programOf(command, {
      stdout: "file",
      stderr: isApart ? "file" : stderr,
      stdin: false,
    });
    this.#sent.add(id);
    const running = this.#jobs.get(id);
    if (running !== undefined) running.isSent = true;
    this.#liveness.lookAfter();
    await this.#calls.run(id, isApart ? 2 : 1, consoleText(program));
    if (!job.settled) onSent?.();
  }

  /**
   * The shell has read a job. All else that is said of the job says so, too: a
   * guest that was saved in an earlier version has no word for it.
   */
  taken(id: string): void {
    if (this.#sent.delete(id)) this.#next();
  }

  /** A job has written something. */
  output({ job, stream, bytes }: Message & { verb: "output" }): void {
    this.taken(job);
    const running = this.#jobs.get(job);
    if (running === undefined) return;
    running.came[stream] += bytes.length;
    running.job[stream](bytes);
  }

  /**
   * A job has more output. What was sent before has been read, so there is room
   * for more, which all jobs share.
   */
  more(id: string, process: string): void {
    this.taken(id);
    const messages = Math.floor(WINDOW / Math.max(1, this.#jobs.size));
    this.#calls.more(process, Math.max(1, messages));
  }

  /** The command of a job has ended; the rest of its output is on its way. */
  ended(id: string): void {
    this.taken(id);
    this.#jobs.get(id)?.job.ended();
  }

  /** All of a job's output was sent. */
  done({ job: id, status, sent }: Message & { verb: "done" }): void {
    this.taken(id);
    const running = this.#jobs.get(id);
    if (running === undefined) return;
    if (status === undefined) {
      return this.#liveness.killed(id, (error) => {
        this.#remove(id);
        running.job.fail(error);
      });
    }
    this.#remove(id);
    for (const stream of ["stdout", "stderr"] as const) {
      const came = running.came[stream];
      const all = sent?.[stream] ?? came;
      if (came !== all) {
        return running.job.fail(
          new OutputLost(
            `a part of the command's ${stream}`,
            `: of ${all} bytes, ${came} have arrived`,
          ),
        );
      }
    }
    running.job.end(status);
  }

  /** The jobs that the shell was sent, and that are not done. */
  get underWay(): string[] {
    return [...this.#jobs].filter(([, { isSent }]) => isSent)
      .map(([id]) => id);
  }

  /**
   * The process that serves a job lives, or has ended in a way. It ends when all
   * was sent, and the console brings one after the other.
   */
  heard(id: string, death?: Death): void {
    this.taken(id);
    const running = this.#jobs.get(id);
    if (death === undefined || running === undefined) return;
    this.#remove(id);
    const isKilled = death.status > 128;
    running.job.fail(
      isKilled
        ? new ServerLost(death)
        : new OutputLost("the end of the command"),
    );
  }

  /** The guest's shell is gone. */
  lose(error: ShellLost): void {
    for (const { job } of this.#jobs.values()) job.fail(error);
    this.#jobs.clear();
    this.#sent.clear();
  }

  #remove(id: string): void {
    this.#jobs.delete(id);
    this.#left.forget(id);
  }
}

/**
 * A command that brings its stdin along, in a file: a process substitution
 * takes a /dev/fd, which the guest need not have.
 */
async function withStdin(
  command: string,
  stdin: AsyncIterable<Uint8Array>,
): Promise<string> {
  const lines: string[] = [];
  for await (const bytes of stdin) {
    for (let at = 0; at < bytes.length; at += 57) {
      lines.push(btoa(String.fromCharCode(...bytes.subarray(at, at + 57))));
    }
  }
  return [
    "for vw_file in /run /dev/shm /tmp /var/tmp /; do",
    "vw_file=$vw_file/.vw$$; echo 2>/dev/null >$vw_file && break",
    "done",
    "base64 -d >$vw_file <<'VW_END'",
    ...lines,
    "VW_END",
    "exec <$vw_file",
    "rm -f $vw_file; unset vw_file",
    command,
  ].join("\n");
}
