import { unquote } from "./quoted.ts";

/** How a serving process in the guest has ended. */
export interface Death {
  readonly process: string;
  readonly status: number;
}

/** What the guest's side says on the console, as the README describes it. */
export type Message =
  /** The shell has the guest's side, or is not a bash. */
  | { readonly verb: "up" | "posix" | "nobash" }
  /** The guest has named all of its ports. */
  | { readonly verb: "found" }
  /**
   * Tells which shell reads the console: one with the guest's side, or a new
   * one.
   */
  | {
    readonly verb: "shell";
    readonly question: string;
    readonly isNew: boolean;
  }
  | { readonly verb: "port"; readonly name: string; readonly device: string }
  /** A server opened a port, and waits for the line with the mark. */
  | { readonly verb: "open"; readonly name: string; readonly mark: string }
  /** The server of a port or a job lives, or how it has ended. */
  | {
    readonly verb: "alive";
    readonly name: string;
    /** That of the start about which the host has asked. */
    readonly mark?: string;
    readonly death?: Death;
  }
  /** A port can't be opened again; a command that ran on it has this status. */
  | { readonly verb: "lost"; readonly name: string; readonly status?: number }
  /**
   * A child still holds a port for which the host waits, or the pipe that leads
   * to it.
   */
  | { readonly verb: "still"; readonly name: string }
  | {
    readonly verb: "holder";
    /** The port, or the number of the job. */
    readonly held: string;
    readonly process: string;
    readonly program: string;
  }
  /** What a job over the console wrote. */
  | {
    readonly verb: "output";
    readonly job: string;
    readonly stream: "stdout" | "stderr";
    readonly bytes: Uint8Array;
  }
  /**
   * A job has more output. The process that sends it waits for leave to send
   * further messages.
   */
  | { readonly verb: "more"; readonly job: string; readonly process: string }
  /** The shell has read a job, and starts it. */
  | { readonly verb: "taken"; readonly job: string }
  /** The command of a job has ended; output may follow. */
  | { readonly verb: "ended"; readonly job: string }
  /** All output of a job was sent; without a status, its server was killed. */
  | {
    readonly verb: "done";
    readonly job: string;
    readonly status?: number;
    /** How many bytes of each stream were sent, where the guest knows. */
    readonly sent?: { readonly stdout: number; readonly stderr: number };
  };

/** What the guest's side says in the stream of a port. */
export type Code =
  /** A runner waits on the port. */
  | { readonly is: "ready"; readonly runner: number }
  /** A server has a connection; it is this process. */
  | { readonly is: "served"; readonly process: number }
  /**
   * A command has ended with this status, and a child of it has the connection.
   */
  | { readonly is: "held"; readonly status: number }
  /** A child still has it, or the pipe that leads to it. */
  | { readonly is: "still" }
  /**
   * A runner has ended with this status, or was killed; the host must answer.
   */
  | { readonly is: "killed" }
  /** A command has ended, and a process still copies its pipe to the port. */
  | { readonly is: "rest"; readonly relay: number }
  /** The killed runner had not read its command. */
  | { readonly is: "unread" }
  /** The stream of stderr has ended. */
  | { readonly is: "end" }
  /**
   * A command has ended with this status, and so has the stream of its stdout.
   */
  | { readonly is: "status"; readonly status: number };

/** How many words follow each verb at least. */
const WORDS: Record<string, number> = {
  up: 0,
  posix: 0,
  nobash: 0,
  found: 0,
  shell: 2,
  port: 2,
  open: 2,
  alive: 2,
  lost: 1,
  still: 1,
  holder: 3,
  data: 3,
  text: 4,
  more: 2,
  taken: 1,
  ended: 1,
  done: 2,
};

/**
 * Takes a message apart.
 *
 * @param text A line of the console, after the token.
 * @returns The message; `undefined` if the line is not one.
 */
export function parseMessage(text: string): Message | undefined {
  // A terminal in the guest may end lines with a carriage return, too. The
  // pattern begins at none in the middle of many, which would take long.
  const line = text.trimStart().replace(/(?<!\r)\r+$/, "");
  const [verb, ...words] = line.split(" ");
  if (!(words.length >= WORDS[verb])) return undefined;
  const [first, second, third] = words;
  switch (verb) {
    case "up":
    case "posix":
    case "nobash":
    case "found":
      return { verb };
    case "shell":
      // A terminal's echo of the question has `${vw_token:-new}` there.
      if (!/^\w+$/.test(second)) return undefined;
      return { verb, question: first, isNew: second === "new" };
    case "port":
      return { verb, name: first, device: second };
    case "open":
      return { verb, name: first, mark: second };
    case "alive": {
      const alive = { verb, name: first, ...(words[3] && { mark: words[3] }) };
      if (second === "served") return alive;
      return withStatus(second, (status) => ({
        ...alive,
        death: { process: third, status },
      }));
    }
    case "lost":
      return { verb, name: first, status: parseNumber(second) };
    case "still":
      return { verb, name: first };
    case "holder": {
      const program = words.slice(2).join(" ");
      return { verb, held: first, process: second, program };
    }
    case "data":
      return outputOf(first, second, decodeBase64(third));
    case "text": {
      const bytes = unquote(words.slice(3).join(" "));
      const isEnded = third === "1";
      return outputOf(
        first,
        second,
        isEnded ? new Uint8Array([...bytes, 0]) : bytes,
      );
    }
    case "taken":
    case "ended":
      return { verb, job: first };
    case "more":
      if (parseNumber(second) === undefined) return undefined;
      return { verb, job: first, process: second };
    case "done":
      if (second === "killed") return { verb, job: first };
      return withStatus(second, (status) => {
        const stdout = parseNumber(third);
        if (stdout === undefined) return { verb, job: first, status };
        const stderr = parseNumber(words[3]) ?? 0;
        return { verb, job: first, status, sent: { stdout, stderr } };
      });
  }
}

/**
 * Takes a code apart.
 *
 * @param padded What follows the token in a port's stream.
 * @returns The code; `undefined` if it is not one.
 */
export function parseCode(padded: string): Code | undefined {
  const code = padded.trimEnd();
  switch (code) {
    case "end":
    case "killed":
    case "unread":
    case "still":
      return { is: code };
  }
  const [, word, digits] = /^([a-z]*)(\d+)$/.exec(code) ?? [];
  const number = Number(digits);
  switch (word) {
    case "":
      return { is: "status", status: number };
    case "rdy":
      return { is: "ready", runner: number };
    case "srv":
      return { is: "served", process: number };
    case "held":
      return { is: "held", status: number };
    case "rst":
      return { is: "rest", relay: number };
  }
}

function withStatus(
  word: string,
  make: (status: number) => Message,
): Message | undefined {
  const status = parseNumber(word);
  return status === undefined ? undefined : make(status);
}

function outputOf(
  job: string,
  number: string,
  bytes: Uint8Array | undefined,
): Message | undefined {
  if (bytes === undefined || number !== "1" && number !== "2") return undefined;
  const stream = number === "1" ? "stdout" : "stderr";
  return { verb: "output", job, stream, bytes };
}

function parseNumber(word: string | undefined): number | undefined {
  return word !== undefined && /^\d+$/.test(word) ? Number(word) : undefined;
}

function decodeBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  } catch {
    return undefined;
  }
}
