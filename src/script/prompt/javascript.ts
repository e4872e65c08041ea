import type { Session } from "node:inspector";
import { nearest } from "../../report/mod.ts";
import { rewriteImports } from "./imports.ts";
import type { Evaluator, Outcome } from "./evaluator.ts";
import { endsInOperator, scanSource } from "./source.ts";

/** A value as the inspector describes it. */
interface RemoteObject {
  value?: unknown;
  unserializableValue?: string;
  objectId?: string;
}

interface EvaluateResult {
  result: RemoteObject;
  exceptionDetails?: { exception?: RemoteObject; text: string };
}

type Strip = (
  code: string,
  options?: { mode: "strip" | "transform" },
) => string;

/** Milliseconds that an evaluation for completions may take. */
const LOOK_MS = 100;
/** The number of evaluators: one may open while another one runs code. */
let count = 0;

/**
 * Runs TypeScript and JavaScript as V8's inspector does for a console: with
 * `await` at the top level, and with declarations that last and may be
 * repeated.
 */
export class JavaScriptEvaluator implements Evaluator, Disposable {
  readonly prompts = ["> ", "... "] as const;
  readonly #session: Session;
  readonly #strip: Strip;
  /** The names to complete before those of JavaScript. */
  readonly #names: readonly string[];
  #lines: string[] = [];
  #globalId = "";
  #taken: unknown;
  /** The name of the global function that receives values. */
  readonly #handover = `vmwright.prompt.${count++}`;

  private constructor(session: Session, strip: Strip, names: string[]) {
    this.#session = session;
    this.#strip = strip;
    this.#names = names;
  }

  /** Takes the names to complete first, which are global variables already. */
  static async create(names: string[]): Promise<JavaScriptEvaluator> {
    const { Session } = await import("node:inspector");
    const { stripTypeScriptTypes } = await import("node:module");
    const session = new Session();
    session.connect();
    const evaluator = new JavaScriptEvaluator(
      session,
      stripTypeScriptTypes,
      names,
    );
    Object.defineProperty(globalThis, Symbol.for(evaluator.#handover), {
      configurable: true,
      value: (value: unknown) => evaluator.#taken = value,
    });
    const { result } = await evaluator.#post<EvaluateResult>(
      "Runtime.evaluate",
      { expression: "globalThis" },
    );
    evaluator.#globalId = result.objectId!;
    return evaluator;
  }

  /** Takes a line. Runs the input, if the line completes one. */
  async push(line: string): Promise<Outcome | "more"> {
    this.#lines.push(line);
    const code = this.#lines.join("\n");
    if (!this.isComplete(code)) return "more";
    this.#lines = [];
    return await this.evaluate(code);
  }

  /** Drops the lines of an input that has not ended. */
  reset(): void {
    this.#lines = [];
  }

  /** Whether the text is complete, and needs no more lines. */
  isComplete(code: string): boolean {
    const { masked, isOpen } = scanSource(code);
    if (isOpen) return false;
    return !endsInOperator(masked) || this.#parses(code);
  }

  /** Runs an input. If its value is a promise, waits for it. */
  async evaluate(code: string): Promise<Outcome> {
    const { result, exceptionDetails } = await this.#post<EvaluateResult>(
      "Runtime.evaluate",
      {
        expression: this.#javaScriptOf(code),
        replMode: true,
        awaitPromise: true,
        objectGroup: this.#handover,
      },
    );
    const thrown = exceptionDetails !== undefined;
    const { taken } = await this.#take(exceptionDetails?.exception ?? result);
    await this.#post("Runtime.releaseObjectGroup", {
      objectGroup: this.#handover,
    });
    if (thrown) return { error: taken, hint: await this.#hint(taken) };
    try {
      // The value of a statement may also be a promise.
      return { value: await taken };
    } catch (error) {
      return { error, hint: await this.#hint(error) };
    }
  }

  /** The name that was probably meant by one that does not exist. */
  async #hint(error: unknown): Promise<string | undefined> {
    if (!(error instanceof ReferenceError || error instanceof TypeError)) {
      return;
    }
    const [, missing] = /^([\w$]+) is not defined$/.exec(error.message) ?? [];
    const [, object, member] =
      /^((?:[\w$]+\.)*[\w$]+)\.([\w$]+) is not a function$/.exec(
        error.message,
      ) ?? [];
    const meant = missing !== undefined
      ? nearest(missing, await this.#globalNames(missing))
      : member !== undefined
      ? nearest(member, await this.#membersOf(object))
      : undefined;
    if (meant === undefined) return;
    return `did you mean ${object === undefined ? "" : `${object}.`}${meant}?`;
  }

  /** The completions of the word at the end of `line`, and that word. */
  async complete(line: string): Promise<[string[], string]> {
    const whole = [...this.#lines, line].join("\n");
    const { masked, endsInText } = scanSource(whole);
    if (endsInText) return [[], ""];
    const [, object, word] = /((?:[\w$]+(?:\[[^[\]]*\])?\??\.)*)([\w$]*)$/.exec(
      masked,
    )!;
    const names = object === ""
      ? await this.#globalNames(word)
      : await this.#membersOf(
        line.slice(-(object + word).length).slice(0, object.length)
          .replace(/\??\.$/, ""),
      );
    // Each member has a second name, in snake_case, which Tab offers only if its
    // beginning was typed.
    const all = new Set(names);
    const isSecond = (name: string) =>
      name.includes("_") && !word.includes("_") && all.has(camelCase(name));
    const candidates = names.filter((name) =>
      name.startsWith(word) && !isSecond(name) &&
      /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)
    );
    return [[...new Set(candidates)].sort(), word];
  }

  /** Leaves the inspector. */
  [Symbol.dispose](): void {
    Reflect.deleteProperty(globalThis, Symbol.for(this.#handover));
    this.#session.disconnect();
  }

  #javaScriptOf(code: string): string {
    // This awaits every expression. Text that may be a block or an object is
    // taken for an object, which authors mean far more often.
    const isExpression = !/^\s*(?:(?:async\s+)?function|class)\b/.test(code) &&
      this.#parses(`(${code}\n)`);
    const text = isExpression ? `await (${code}\n)` : code;
    let stripped = text;
    for (const mode of ["strip", "transform"] as const) {
      try {
        stripped = this.#strip(text, { mode });
        break;
      } catch {
        // Some types can only be transformed, not stripped. V8 reports other
        // errors.
      }
    }
    return rewriteImports(stripped, Deno.cwd());
  }

  #parses(code: string): boolean {
    try {
      this.#strip(code, { mode: "transform" });
      return true;
    } catch {
      return false;
    }
  }

  async #globalNames(word: string): Promise<string[]> {
    const { names } = await this.#post<{ names: string[] }>(
      "Runtime.globalLexicalScopeNames",
      {},
    );
    if (word === "") return [...names, ...this.#names];
    return [...names, ...this.#names, ...allNames(globalThis), "await"];
  }

  async #membersOf(expression: string): Promise<string[]> {
    const { result, exceptionDetails } = await this.#post<EvaluateResult>(
      "Runtime.evaluate",
      {
        expression,
        throwOnSideEffect: true,
        timeout: LOOK_MS,
        objectGroup: this.#handover,
      },
    );
    if (exceptionDetails !== undefined) return [];
    const { taken } = await this.#take(result);
    if (taken === null || taken === undefined) return [];
    return allNames(Object(taken));
  }

  /**
   * Gets the value that the inspector describes, in a box, because it may be a
   * promise.
   */
  async #take(
    { value, unserializableValue, objectId }: RemoteObject,
  ): Promise<{ taken: unknown }> {
    await this.#post("Runtime.callFunctionOn", {
      objectId: this.#globalId,
      functionDeclaration:
        `function (value) { this[Symbol.for("${this.#handover}")](value); }`,
      arguments: [{ value, unserializableValue, objectId }],
    });
    const taken = this.#taken;
    this.#taken = undefined;
    return { taken };
  }

  #post<T>(method: string, parameters: object): Promise<T> {
    return new Promise((resolve, reject) =>
      this.#session.post(
        method,
        parameters,
        (error: Error | null, result?: object) =>
          error ? reject(error) : resolve(result as T),
      )
    );
  }
}

/**
 * The names of an object's own and inherited members, without those of
 * `Object`.
 */
/** The name in camelCase of a member whose name in snake_case is given. */
function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
}

function allNames(object: object): string[] {
  const names: string[] = [];
  for (
    let at: object | null = object;
    at !== null && (at !== Object.prototype || object === at);
    at = Object.getPrototypeOf(at)
  ) {
    names.push(...Object.getOwnPropertyNames(at));
  }
  return names.filter((name) => name !== "constructor");
}
