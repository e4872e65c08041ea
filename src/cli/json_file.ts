import { UsageError } from "../errors.ts";
import { nearest } from "../report/nearest.ts";

/**
 * A configuration file in JSON, which is read value by value. Its errors and
 * warnings name the file and the place of the value.
 */
export class JsonFile {
  /** What the file holds. */
  readonly top: Record<string, unknown>;
  /** A warning for each key without effect. */
  readonly warnings: string[] = [];
  readonly #name: string;

  /**
   * Parses a file.
   *
   * @param text The file's text.
   * @param name The file's name, for messages.
   * @throws {UsageError} if it is not JSON, or no object.
   */
  constructor(text: string, name: string) {
    this.#name = name;
    let root: unknown;
    try {
      root = JSON.parse(text);
    } catch (error) {
      // The runtime's message quotes the text with its line ends.
      const message = (error as Error).message.replace(
        /^Unexpected token '(.+?)', .*$/su,
        (_, token) => `unexpected ${JSON.stringify(token)}`,
      );
      throw new UsageError(`${name} is not JSON: ${message}`);
    }
    this.top = this.object("$", root, "an object");
  }

  /** An error about a value. */
  wrong(path: string, expected: string, got: unknown): UsageError {
    return new UsageError(
      `${this.#name}: ${path} must be ${expected}, got ${describe(got)}`,
    );
  }

  /**
   * Reads a value that must be an object.
   *
   * @throws {UsageError} if it is something else.
   */
  object(
    path: string,
    value: unknown,
    expected: string,
  ): Record<string, unknown> {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw this.wrong(path, expected, value);
    }
    return value as Record<string, unknown>;
  }

  /**
   * Reads a value that must be a text of at least one character.
   *
   * @throws {UsageError} if it is something else.
   */
  text(path: string, value: unknown, expected: string): string {
    if (typeof value === "string" && value !== "") return value;
    throw this.wrong(path, expected, value);
  }

  /**
   * Reads a value that must be `true` or `false`.
   *
   * @throws {UsageError} if it is something else.
   */
  truth(path: string, value: unknown): boolean {
    if (typeof value === "boolean") return value;
    throw this.wrong(path, "true or false", value);
  }

  /**
   * Reads a value that must be a number of seconds above 0.
   *
   * @throws {UsageError} if it is something else.
   */
  seconds(path: string, value: unknown): number {
    if (typeof value === "number" && value > 0) return value;
    throw this.wrong(path, "a number of seconds above 0", value);
  }

  /**
   * Reads a value that must be a whole number above 0.
   *
   * @throws {UsageError} if it is something else.
   */
  whole(path: string, value: unknown, expected: string): number {
    if (Number.isSafeInteger(value) && value as number > 0) {
      return value as number;
    }
    throw this.wrong(path, expected, value);
  }

  /**
   * Reads a value that must be a list of numbers from 0 up.
   *
   * @throws {UsageError} if it is something else.
   */
  numbers(path: string, value: unknown): number[] {
    if (!Array.isArray(value)) {
      throw this.wrong(path, "a list of numbers", value);
    }
    return value.map((one, index) => {
      if (Number.isSafeInteger(one) && one >= 0) return one;
      throw this.wrong(`${path}[${index}]`, "a number from 0 up", one);
    });
  }

  /** Adds a warning, one sentence. */
  warn(sentence: string): void {
    this.warnings.push(`${this.#name}: ${sentence}`);
  }

  /** Warns of the keys of an object that are not known. */
  warnOfOthers(
    path: string,
    value: Record<string, unknown>,
    known: readonly string[],
  ): void {
    for (const key of Object.keys(value)) {
      if (known.includes(key)) continue;
      const meant = nearest(key, known);
      this.warn(
        `${path}.${key} is unknown and has no effect` +
          (meant === undefined ? "" : `; did you mean ${meant}?`),
      );
    }
  }
}

/** Whether a file gives a value; `null` counts as absent. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** A key as a step of a JSON path. */
export function pathStep(key: string): string {
  return /^[\w-]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  return JSON.stringify(value);
}
