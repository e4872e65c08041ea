import type { CaptureMode } from "../driver/mod.ts";
import { UsageError } from "../errors.ts";
import type { LogLevel } from "../report/event.ts";
import type { ConsoleDisplay } from "../report/terminal.ts";
import {
  parseScreenshotMode,
  type ScreenshotMode,
} from "../run/screenshot_mode.ts";
import type { OptionValues } from "./arguments.ts";
import type { ConfigFile } from "./config_file.ts";
import type { Environment } from "./environment.ts";
import { options } from "./options.ts";

const logLevels: readonly string[] = ["debug", "info", "warning", "error"];
/** The longest time of a timer, in seconds. */
const longestTimeout = 2147483;

/** The seed of `--seed`. */
export function seedOf({ seed }: OptionValues): number | undefined {
  if (seed === undefined) return undefined;
  const number = Number(seed);
  if (/^\d+$/.test(seed) && Number.isSafeInteger(number)) return number;
  throw new UsageError(
    `--seed expects a whole number from 0 up, got ${JSON.stringify(seed)}`,
  );
}

/** The bytes of `--fork-memory`. */
export function forkMemoryOf(
  { forkMemory }: OptionValues,
): number | undefined {
  if (forkMemory === undefined) return undefined;
  const mebibytes = Number(forkMemory);
  if (/^\d+$/.test(forkMemory) && mebibytes > 0) return mebibytes * 2 ** 20;
  throw new UsageError(
    `--fork-memory expects a number of MiB from 1 up, got ${
      JSON.stringify(forkMemory)
    }`,
  );
}

/** The value of `--capture`. */
export function captureOf({ capture }: OptionValues): CaptureMode | undefined {
  if (
    capture === undefined || capture === "always" || capture === "failed"
  ) return capture;
  throw new UsageError(
    `--capture expects always or failed, got ${JSON.stringify(capture)}`,
  );
}

/** When pictures of the screens are kept. */
export function screenshotsOf(
  { screenshots }: OptionValues,
): ScreenshotMode {
  const mode = parseScreenshotMode(screenshots ?? "failed");
  if (mode !== undefined) return mode;
  throw new UsageError(
    `--screenshots expects failed, steps or interval:SECONDS, got ${
      JSON.stringify(screenshots)
    }`,
  );
}

/** Whether a script that fails stops with a prompt. */
export function stopsOnFailure({ onFailure }: OptionValues): boolean {
  if (onFailure === undefined || onFailure === "shell") {
    return onFailure === "shell";
  }
  throw new UsageError(
    `--on-failure expects shell, got ${JSON.stringify(onFailure)}`,
  );
}

/** The numbers of the VLANs, each once. */
export function vlansOf(
  given: readonly string[] | undefined,
  file: readonly number[] | undefined,
  environment: readonly string[] | undefined,
): number[] {
  const numbers = (words: readonly string[], where: string, advice = "") =>
    words.map((word) => {
      const number = Number(word);
      if (/^\d+$/.test(word) && Number.isSafeInteger(number)) return number;
      throw new UsageError(
        `${where} expects numbers from 0 up, got ${JSON.stringify(word)}` +
          (/\d/.test(word) ? "" : advice),
      );
    });
  const vlans = given !== undefined
    ? numbers(given, "--vlans", "; if that is the test script, name it first")
    : file ?? numbers(environment ?? [], "the environment variable vlans");
  return [...new Set(vlans)];
}

/** The global timeout, in seconds. */
export function timeoutOf(
  given: OptionValues,
  file: ConfigFile,
  environment: Environment,
): number | undefined {
  const seconds = (word: string, where: string) => {
    const number = Number(word);
    if (word.trim() !== "" && number > 0 && number <= longestTimeout) {
      return number;
    }
    throw new UsageError(
      `${where} expects seconds, more than 0 and at most ${longestTimeout}, got ${
        JSON.stringify(word)
      }`,
    );
  };
  if (given.globalTimeout !== undefined) {
    return seconds(given.globalTimeout, "--global-timeout");
  }
  if (file.globalTimeout !== undefined) {
    return seconds(
      String(file.globalTimeout),
      `${given.config}: $.global_timeout`,
    );
  }
  const word = environment.get(options.globalTimeout.environment);
  return word
    ? seconds(word, "the environment variable globalTimeout")
    : undefined;
}

/** The lowest level of messages to show. */
export function logLevelOf(
  given: OptionValues,
  environment: Environment,
): LogLevel {
  const where = given.logLevel === undefined
    ? `the environment variable ${options.logLevel.environment}`
    : "--log-level";
  const word = given.logLevel ??
    (environment.get(options.logLevel.environment) || "info");
  const level = word.toLowerCase();
  if (logLevels.includes(level)) return level as LogLevel;
  throw new UsageError(
    `${where} expects debug, info, warning or error, got ${
      JSON.stringify(word)
    }`,
  );
}

/** When the terminal shows the machines' consoles. */
export function consoleOf(
  given: OptionValues,
  environment: Environment,
): ConsoleDisplay | undefined {
  if (given.console === false) return "quiet";
  const { environment: variable } = options.console;
  const word = given.console ?? (environment.get(variable) || undefined);
  if (word === undefined) return;
  if (word === "live" || word === "quiet" || word === "failed") return word;
  const where = given.console === undefined
    ? `the environment variable ${variable}`
    : "--console";
  throw new UsageError(
    `${where} expects live, quiet or failed, got ${JSON.stringify(word)}`,
  );
}

/** The number of `--dump-vsocks`. */
export function dumpVsocksOf({ dumpVsocks }: OptionValues): number | undefined {
  if (dumpVsocks === undefined) return;
  if (/^\d+$/.test(dumpVsocks)) return Number(dumpVsocks);
  throw new UsageError(
    `--dump-vsocks expects a number from 0 up, got ${
      JSON.stringify(dumpVsocks)
    }`,
  );
}
