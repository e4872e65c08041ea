import {
  all,
  type Characters,
  complement,
  digits,
  foldedWords,
  ignoreCase,
  lineTerminators,
  property,
  spaces,
  union,
  words,
} from "./characters.ts";

/**
 * The kinds of assertions. The numbers are those of `wasm/scanner/program.ts`.
 */
export enum Assertion {
  StreamStart,
  StreamEnd,
  LineStart,
  LineEnd,
  WordBoundary,
  NotWordBoundary,
  UnicodeWordBoundary,
  NotUnicodeWordBoundary,
}

/**
 * A pattern reduced to the language that it matches: it has no captures, and no
 * order of alternatives.
 */
export type Node =
  | { type: "characters"; set: Characters }
  | { type: "sequence"; nodes: Node[] }
  | { type: "choice"; nodes: Node[] }
  | { type: "repeat"; node: Node; min: number; max: number }
  | { type: "assertion"; assertion: Assertion };

/** No finite automaton of at most the largest size can match the pattern. */
export class NotRegular extends Error {
  override name = "NotRegular";
}

/** Reads a pattern that V8 has accepted. */
export function parse(pattern: RegExp): Node {
  return new Parser(pattern).parse();
}

class Parser {
  readonly #source: string;
  readonly #unicode: boolean;
  readonly #groups: number;
  readonly #named: boolean;
  #at = 0;
  #ignoreCase: boolean;
  #multiline: boolean;
  #dotAll: boolean;

  constructor(pattern: RegExp) {
    this.#source = pattern.source;
    this.#unicode = pattern.unicode || pattern.unicodeSets;
    this.#ignoreCase = pattern.ignoreCase;
    this.#multiline = pattern.multiline;
    this.#dotAll = pattern.dotAll;
    if (pattern.unicodeSets && /\[|\\[pP]/.test(this.#source)) {
      throw new NotRegular("Classes of the v flag are left to V8");
    }
    const groups = countGroups(this.#source);
    this.#groups = groups.count;
    this.#named = groups.named;
  }

  parse(): Node {
    return this.#choice();
  }

  #peek(text: string): boolean {
    return this.#source.startsWith(text, this.#at);
  }

  #take(text: string): boolean {
    if (!this.#peek(text)) return false;
    this.#at += text.length;
    return true;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source);
    if (found) this.#at = pattern.lastIndex;
    return found;
  }

  /**
   * The next character: a code point with the flag `u`, a UTF-16 unit without.
   */
  #character(): number {
    const character = this.#unicode
      ? this.#source.codePointAt(this.#at)!
      : this.#source.charCodeAt(this.#at);
    this.#at += character > 0xffff ? 2 : 1;
    return character;
  }

  #choice(): Node {
    const nodes = [this.#sequence()];
    while (this.#take("|")) nodes.push(this.#sequence());
    return nodes.length === 1 ? nodes[0] : { type: "choice", nodes };
  }

  #sequence(): Node {
    const nodes: Node[] = [];
    while (
      this.#at < this.#source.length && !this.#peek("|") && !this.#peek(")")
    ) {
      nodes.push(this.#repeated(this.#term()));
    }
    return nodes.length === 1 ? nodes[0] : { type: "sequence", nodes };
  }

  #repeated(node: Node): Node {
    const found = this.#match(/(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??/y);
    if (!found) return node;
    const [, sign, low, comma, high] = found;
    const min = sign ? (sign === "+" ? 1 : 0) : Number(low);
    const max = sign
      ? (sign === "?" ? 1 : Infinity)
      : comma
      ? (high ? Number(high) : Infinity)
      : min;
    return { type: "repeat", node, min, max };
  }

  #term(): Node {
    if (this.#take("^")) {
      return assertion(
        this.#multiline ? Assertion.LineStart : Assertion.StreamStart,
      );
    }
    if (this.#take("$")) {
      return assertion(
        this.#multiline ? Assertion.LineEnd : Assertion.StreamEnd,
      );
    }
    if (this.#take("(")) return this.#group();
    if (this.#take(".")) {
      return {
        type: "characters",
        set: this.#dotAll
          ? all(this.#unicode)
          : complement(lineTerminators, this.#unicode),
      };
    }
    if (this.#take("[")) return this.#class();
    if (this.#take("\\")) return this.#escape();
    return this.#literal(this.#character());
  }

  #literal(character: number): Node {
    return this.#set([character, character]);
  }

  #set(set: Characters): Node {
    return {
      type: "characters",
      set: this.#ignoreCase ? ignoreCase(set, this.#unicode) : set,
    };
  }

  #group(): Node {
    if (this.#match(/\?<?[=!]/y)) {
      throw new NotRegular("Look-around is left to V8");
    }
    const before = [this.#ignoreCase, this.#multiline, this.#dotAll] as const;
    const modifiers = this.#match(/\?([ims]*)(?:-([ims]*))?:/y);
    if (modifiers) {
      const [, on, off = ""] = modifiers;
      const pick = (flag: string, now: boolean) =>
        on.includes(flag) || (now && !off.includes(flag));
      this.#ignoreCase = pick("i", this.#ignoreCase);
      this.#multiline = pick("m", this.#multiline);
      this.#dotAll = pick("s", this.#dotAll);
    } else {
      this.#match(/\?<[^>]*>/y);
    }
    const node = this.#choice();
    this.#take(")");
    [this.#ignoreCase, this.#multiline, this.#dotAll] = before;
    return node;
  }

  #escape(): Node {
    const folded = this.#unicode && this.#ignoreCase;
    if (this.#take("b")) {
      return assertion(
        folded ? Assertion.UnicodeWordBoundary : Assertion.WordBoundary,
      );
    }
    if (this.#take("B")) {
      return assertion(
        folded ? Assertion.NotUnicodeWordBoundary : Assertion.NotWordBoundary,
      );
    }
    if (this.#peek("k") && (this.#unicode || this.#named)) {
      throw new NotRegular("Back-references are left to V8");
    }
    const number = /[1-9]\d*/y;
    number.lastIndex = this.#at;
    const reference = number.exec(this.#source);
    if (reference && (this.#unicode || Number(reference[0]) <= this.#groups)) {
      throw new NotRegular("Back-references are left to V8");
    }
    return this.#set(this.#classEscape() ?? single(this.#characterEscape()));
  }

  /** Reads `\d` or another class escape, if one comes next. */
  #classEscape(): Characters | undefined {
    const found = this.#match(
      this.#unicode ? /[dDsSwW]|[pP]\{([^}]*)\}/y : /[dDsSwW]/y,
    );
    if (!found) return undefined;
    const letter = found[0][0];
    const set = found[1] !== undefined
      ? property(found[1])
      : letter === "d" || letter === "D"
      ? digits
      : letter === "s" || letter === "S"
      ? spaces
      : this.#unicode && this.#ignoreCase
      ? foldedWords
      : words;
    return letter < "a" ? complement(set, this.#unicode) : set;
  }

  #characterEscape(inClass = false): number {
    const simple = this.#match(/[fnrtv]/y);
    if (simple) return "\f\n\r\t\v".charCodeAt("fnrtv".indexOf(simple[0]));
    const control = this.#match(inClass ? /c([A-Za-z0-9_])/y : /c([A-Za-z])/y);
    if (control && (!this.#unicode || /[A-Za-z]/.test(control[1]))) {
      return control[1].charCodeAt(0) & 31;
    }
    if (this.#peek("c")) {
      // This is no escape: the backslash stands for itself.
      return 0x5c;
    }
    const hex = this.#match(/x([0-9a-fA-F]{2})/y);
    if (hex) return parseInt(hex[1], 16);
    if (this.#unicode) {
      const point = this.#match(/u\{([0-9a-fA-F]+)\}/y);
      if (point) return parseInt(point[1], 16);
      const pair = this.#match(
        /u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})/y,
      );
      if (pair) {
        return String.fromCharCode(parseInt(pair[1], 16), parseInt(pair[2], 16))
          .codePointAt(0)!;
      }
    }
    const unit = this.#match(/u([0-9a-fA-F]{4})/y);
    if (unit) return parseInt(unit[1], 16);
    const octal = this.#match(
      this.#unicode ? /0/y : /[0-3][0-7]{0,2}|[4-7][0-7]?/y,
    );
    if (octal) return parseInt(octal[0], 8);
    return this.#character();
  }

  #class(): Node {
    const negated = this.#take("^");
    const sets: Characters[] = [];
    while (!this.#take("]")) {
      const first = this.#classAtom();
      if (this.#peek("-") && !this.#peek("-]")) {
        this.#take("-");
        const last = this.#classAtom();
        if (typeof first === "number" && typeof last === "number") {
          sets.push([first, last]);
        } else {
          // Without `u`, a class at either end makes the dash a character.
          sets.push(toSet(first), toSet(last), single(0x2d));
        }
      } else {
        sets.push(toSet(first));
      }
    }
    const { set } = this.#set(union(...sets)) as { set: Characters };
    return {
      type: "characters",
      set: negated ? complement(set, this.#unicode) : set,
    };
  }

  #classAtom(): number | Characters {
    if (!this.#take("\\")) return this.#character();
    if (this.#take("b")) return 8;
    return this.#classEscape() ?? this.#characterEscape(true);
  }
}

function assertion(kind: Assertion): Node {
  return { type: "assertion", assertion: kind };
}

function single(character: number): Characters {
  return [character, character];
}

function toSet(atom: number | Characters): Characters {
  return typeof atom === "number" ? single(atom) : atom;
}

function countGroups(source: string): { count: number; named: boolean } {
  let count = 0;
  let named = false;
  const tokens = /\\[^]|\[(?:\\[^]|[^\]\\])*\]|\((\?<(?![=!]))?(?!\?)/g;
  for (const token of source.matchAll(tokens)) {
    if (token[0][0] !== "(") continue;
    count++;
    if (token[1]) named = true;
  }
  return { count, named };
}
