import { MachineError, TestFailure, UsageError } from "../../errors.ts";
import type { RunEvents } from "../../report/mod.ts";
import { limitOf, orAbort } from "../../time/mod.ts";
import { Activity } from "../waits/activity.ts";
import type { MachineCore } from "../core.ts";
import type { CommandResult } from "./guest_commands.ts";
import { withLook } from "../last_look.ts";
import { decode, lastLines, OutputText } from "./output.ts";
import {
  DEFAULT_TIMEOUT,
  isPlainObject,
  LAST_LOOK,
  type WaitOptions,
} from "../waits/timeout.ts";

/** Options of `execute`. */
export interface ExecuteOptions {
  /**
   * Seconds until the driver ends the command with status 124; `null`: no
   * limit.
   *
   * @default {900}
   */
  timeout?: number | null;
  /**
   * `false`: the status is always -1, even if the command takes the guest down.
   *
   * @default {true}
   */
  checkReturn?: boolean;
  /**
   * `false`: do not wait for the command, and return `[-2, ""]` when the guest
   * was sent it.
   *
   * @default {true}
   */
  checkOutput?: boolean;
}

/**
 * Arguments of `succeed` and `fail`: commands, and maybe options at the end.
 */
export type CommandArguments =
  | string[]
  | [
    ...commands: string[],
    options: {
      /**
       * Seconds that each command may take; `null`: no limit.
       *
       * @default {null}
       */
      timeout?: number | null;
    },
  ];

/** Seconds between two runs of a repeated command, at least and at most. */
const SHORTEST_PAUSE = 0.05;
const LONGEST_PAUSE = 1;
/** At most, if the driver can't notice that something happens in the guest. */
const LONGEST_BLIND_PAUSE = 0.3;
/**
 * The pause after a run is this multiple of the run, which limits the guest's
 * load.
 */
const PAUSE_FACTOR = 4;
/** While nothing happens, each pause is this multiple of the one before. */
const PATIENCE = 3;

/** See {@linkcode BaseMachine.execute}. */
export async function execute(
  core: MachineCore,
  command: string,
  options: ExecuteOptions,
): Promise<[status: number, stdout: string]> {
  if (!isPlainObject(options)) {
    throw new UsageError(
      `Expected options such as { timeout: 5 }, got ${Deno.inspect(options)}`,
    );
  }
  const { checkReturn = true, checkOutput = true } = options;
  const { timeout = DEFAULT_TIMEOUT } = options;
  if (!checkOutput) {
    await core.ready();
    const { promise: sent, resolve } = Promise.withResolvers<void>();
    core.run(command, { timeout, onSent: resolve }).catch(() => {}).finally(
      resolve,
    );
    await sent;
    return [-2, ""];
  }
  const output = new OutputText();
  const began = performance.now();
  try {
    const { status } = await core.run(command, {
      timeout,
      onStdout: (chunk) => output.push(chunk),
    });
    const text = output.end();
    tell(core, "execute", command, { status, output: text, began });
    return [checkReturn ? status : -1, text];
  } catch (error) {
    if (!checkReturn && error instanceof MachineError) {
      return [-1, output.end()];
    }
    throw error;
  }
}

/** Logs a command that has ended. */
function tell(
  core: MachineCore,
  kind: RunEvents["commandEnded"]["kind"],
  command: string,
  { began, ...result }: {
    status: number;
    output: string;
    stderr?: string;
    /** When it began, in milliseconds of this process's clock. */
    began: number;
  },
): void {
  const duration = (performance.now() - began) / 1000;
  const { name: machine } = core;
  core.log.commandEnded({ machine, kind, command, duration, ...result });
}

/** See {@linkcode BaseMachine.succeed}. */
export function succeed(
  core: MachineCore,
  args: CommandArguments,
): Promise<string> {
  return runAll(core, args, "succeed", (command, status, out) => {
    if (status === 0) return;
    if (out !== "") core.log.log(`output: ${out}`, core.attributes);
    return `command \`${command}\` failed (exit code ${status})`;
  });
}

/** See {@linkcode BaseMachine.fail}. */
export function fail(
  core: MachineCore,
  args: CommandArguments,
): Promise<string> {
  return runAll(core, args, "fail", (command, status) => {
    if (status === 0) return `command \`${command}\` unexpectedly succeeded`;
  });
}

/**
 * Runs commands until `complain` rejects the result of one. Returns their
 * output, joined.
 */
async function runAll(
  core: MachineCore,
  args: CommandArguments,
  kind: "succeed" | "fail",
  complain: (
    command: string,
    status: number,
    output: string,
  ) => string | undefined,
): Promise<string> {
  const [commands, { timeout = null }] = splitOptions(args);
  let output = "";
  for (const command of commands) {
    output += await core.nested(`must ${kind}: ${command}`, async () => {
      const began = performance.now();
      const text = new OutputText();
      const result = await core.run(command, {
        timeout,
        onStdout: core.log.wantsOutput
          ? (chunk) => {
            text.push(chunk);
            core.log.output(core.label, decode(chunk));
          }
          : (chunk) => text.push(chunk),
        tellLast: (stderr) => lastLines(text.end(), stderr),
      });
      const out = text.end();
      const { status } = result;
      const complaint = complain(command, status, out);
      if (complaint === undefined) {
        tell(core, kind, command, { status, output: out, began });
        return out;
      }
      const stderr = await result.lastStderr();
      tell(core, kind, command, { status, output: out, stderr, began });
      throw new TestFailure(complaint + lastLines(out, stderr));
    });
  }
  return output;
}

/** Runs a command again and again until its status is accepted. */
export function repeat(
  core: MachineCore,
  what: "success" | "failure",
  command: string,
  options: WaitOptions,
): Promise<string> {
  const timeout = limitOf(options.timeout, DEFAULT_TIMEOUT);
  let last: { result: CommandResult; output: string } | undefined;
  const tellLast = async () =>
    last === undefined ? "" : `its last status was ${last.result.status}` +
      lastLines(last.output, await last.result.lastStderr());
  return core.whileUp((signal, check) =>
    core.nested(
      `waiting for ${what}: ${command}`,
      () =>
        withLook(core.name, tellLast, async () => {
          await orAbort(core.connect(), signal);
          const began = performance.now();
          using activity = new Activity(core);
          let longest = 0;
          while (true) {
            const asked = performance.now();
            const left = timeout - (asked - began) / 1000;
            const isLast = left <= 0;
            const result = await core.run(command, {
              timeout: isLast ? LAST_LOOK : left,
              check,
            });
            const { status, timedOut, stdout } = result;
            const output = decode(stdout);
            if (!timedOut && (status === 0) === (what === "success")) {
              tell(core, "wait", command, { status, output, began });
              return output;
            }
            // A run that was cut short tells less than the run before it.
            if (!timedOut || last === undefined) last = { result, output };
            if (timedOut || isLast) {
              const { result: { status }, output } = last;
              const stderr = await last.result.lastStderr();
              tell(core, "wait", command, { status, output, stderr, began });
              throw new TestFailure(
                `waiting for ${what} of \`${command}\` timed out after ` +
                  `${timeout} seconds; ${await tellLast()}`,
              );
            }
            const now = performance.now();
            const took = (now - asked) / 1000;
            const shortest = Math.min(
              LONGEST_PAUSE,
              Math.max(SHORTEST_PAUSE, PAUSE_FACTOR * took),
            );
            longest = Math.max(
              shortest,
              Math.min(
                activity.canTell ? LONGEST_PAUSE : LONGEST_BLIND_PAUSE,
                PATIENCE * longest,
              ),
            );
            // The last look comes when the time is over, also where the driver
            // stood still until then.
            const rest = Math.max(0, timeout - (now - began) / 1000);
            if (
              await activity.pass(
                Math.min(shortest, rest),
                Math.min(longest, rest),
                signal,
              )
            ) {
              longest /= PATIENCE ** 2;
            }
          }
        }),
    )
  );
}

function splitOptions(
  args: CommandArguments,
): [string[], { timeout?: number | null }] {
  const last = args.at(-1);
  const options = isPlainObject(last) ? last : {};
  const commands = isPlainObject(last) ? args.slice(0, -1) : args;
  for (const command of commands) {
    if (typeof command === "string") continue;
    throw new UsageError(
      `Expected commands as strings and options last, got ${
        Deno.inspect(command)
      }`,
    );
  }
  return [commands as string[], options];
}
