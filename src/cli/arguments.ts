import { UsageError } from "../errors.ts";
import { nearest } from "../report/nearest.ts";
import { type Option, type OptionKey, options } from "./options.ts";

type ValueOf<O extends Option> = O["kind"] extends "list" ? string[]
  : O extends { repeatable: true } ? string[]
  : O["kind"] extends "flag" ? boolean
  : O extends { negatable: true } ? string | false
  : string;

/** The given options with their values. */
export type OptionValues = {
  [K in OptionKey]?: ValueOf<typeof options[K]>;
};

/** The words of a command line, sorted but not checked. */
export interface Arguments {
  /** The options. */
  readonly options: OptionValues;
  /** The words that belong to no option. */
  readonly words: string[];
}

interface Spelling {
  readonly key: OptionKey;
  readonly option: Option;
  readonly negative: boolean;
}

const spellings = new Map<string, Spelling>();
for (const [key, option] of Object.entries(options) as [OptionKey, Option][]) {
  for (const name of option.names) {
    spellings.set(name, { key, option, negative: false });
    if (option.negatable && name.startsWith("--")) {
      spellings.set(`--no-${name.slice(2)}`, { key, option, negative: true });
    }
  }
}

/**
 * Separates options from other words, as Python's argparse does: `--name
 * value`, `--name=value`, `-o value`, `-ovalue`, unambiguous beginnings of a
 * name, lists up to the next option, and `--` before words that are no options.
 * Unlike argparse, it also ends a list before a word that can't belong to the
 * list.
 *
 * @param args The command line's words.
 * @returns The options and the other words.
 * @throws {UsageError} An option is unknown, or lacks its value.
 */
export function parseArguments(args: readonly string[]): Arguments {
  const values: Record<string, boolean | string | string[]> = {};
  const words: string[] = [];
  let at = 0;

  /** A negative number is a word, because no option looks like one. */
  const isWord = (arg: string): boolean =>
    !arg.startsWith("-") || arg === "-" || /^-\d*\.?\d+$/.test(arg);
  const nextIsWord = () => at < args.length && isWord(args[at]);

  const take = (
    name: string,
    { key, option, negative }: Spelling,
    attached?: string,
  ) => {
    if (negative || option.kind === "flag") {
      if (attached !== undefined) {
        throw new UsageError(
          `${name} takes no value, got ${JSON.stringify(attached)}`,
        );
      }
      values[key] = !negative;
    } else if (option.kind === "value") {
      if (attached === undefined) {
        if (!nextIsWord()) {
          throw new UsageError(
            `${name} expects a value (${name} ${option.value})`,
          );
        }
        attached = args[at++];
      }
      if (option.repeatable) {
        ((values[key] ??= []) as string[]).push(attached);
      } else values[key] = attached;
    } else {
      const list = (values[key] ??= []) as string[];
      if (attached !== undefined) list.push(attached);
      else {
        while (nextIsWord() && !option.ends?.(args[at])) list.push(args[at++]);
      }
    }
  };

  while (at < args.length) {
    const arg = args[at++];
    if (arg === "--") {
      words.push(...args.slice(at));
      break;
    } else if (isWord(arg)) {
      words.push(arg);
    } else if (arg.startsWith("--")) {
      const equals = arg.indexOf("=");
      const name = equals < 0 ? arg : arg.slice(0, equals);
      const attached = equals < 0 ? undefined : arg.slice(equals + 1);
      take(name, lookUp(name), attached);
    } else {
      for (let i = 1; i < arg.length; i++) {
        const name = `-${arg[i]}`;
        const spelling = lookUp(name, arg);
        if (spelling.option.kind === "flag") {
          take(name, spelling);
        } else {
          const rest = arg.slice(i + 1).replace(/^=/, "");
          take(name, spelling, rest === "" ? undefined : rest);
          break;
        }
      }
    }
  }
  return { options: values as OptionValues, words };
}

function lookUp(name: string, whole = name): Spelling {
  const exact = spellings.get(name);
  if (exact !== undefined) return exact;
  if (name.startsWith("--") && name.length > 2) {
    const long = [...spellings].filter(([known]) => known.startsWith(name));
    if (new Set(long.map(([, { key, negative }]) => key + negative)).size > 1) {
      const names = [...new Set(long.map(([, s]) => spelled(s)))];
      throw new UsageError(
        `option ${name} is ambiguous: it could be ${names.join(" or ")}`,
      );
    }
    if (long.length > 0) return long[0][1];
  }
  const known = nearest(name, [...spellings.keys()]);
  throw new UsageError(
    `unknown option ${whole}` +
      (known === undefined
        ? "; vmwright --help lists all"
        : `; did you mean ${known}?`),
  );
}

function spelled({ option, negative }: Spelling): string {
  return negative ? `--no-${option.names[0].slice(2)}` : option.names[0];
}
