import { type Match, Scanner } from "../../src/scan/mod.ts";
import type { Random } from "./random.ts";

/** A set of patterns and a stream, with the points at which patterns come and go. */
export interface Case {
  patterns: { source: string; flags: string; from: number; to: number }[];
  /** The stream's bytes, in chunks. */
  chunks: number[][];
  skipReturns: boolean;
  /** Whether it is asked where matches start. */
  text: boolean;
}

// Characters that patterns and texts have in common, so that matches happen.
const letters = ["a", "b", "c", "k", "s", "1", "_", " ", "-", ".", "\n"];
const rarer = [
  "A",
  "K",
  "S",
  "\r",
  "\r\n",
  "\t",
  "é",
  "É",
  "ß",
  "ſ",
  "\u212a",
  "€",
  "\u2028",
  "\u2029",
  "\ufffd",
  "\ufeff",
  "\u00a0",
  "ж",
  "Ж",
  "😀",
  "😁",
  "𐐀",
  "𐐨",
  "\0",
  "ǅ",
  "Ǆ",
  "σ",
  "ς",
  "Σ",
  "ı",
  "İ",
  "\u07ff",
  "\u0800",
  "\uffff",
];

// Texts that are rare enough for a search from needle to needle.
const needles = ["QZX", "#~", "zq@", "Q~\r\n"];

function character(random: Random): string {
  if (random.oneIn(12)) return random.pick(needles);
  return random.oneIn(5) ? random.pick(rarer) : random.pick(letters);
}

function literal(text: string, inClass: boolean, unicode: boolean): string {
  if (text === "\n") return "\\n";
  if (text === "\r") return "\\r";
  if (text === "\r\n") return inClass ? "\\r\\n" : "(?:\\r\\n)";
  if (text === "\0") return "\\x00";
  if (text === "\u2028") return "\\u2028";
  if (text === "\u2029") return "\\u2029";
  if (needles.includes(text)) {
    if (inClass) return text[0];
    return `(?:${text.replace("\r", "\\r").replace("\n", "\\n")})`;
  }
  if (text === "-") return inClass ? "\\-" : "-";
  if (text === ".") return "\\.";
  if (text === "😀" && unicode) return "\\u{1f600}";
  return text;
}

const quantifiers = [
  "*",
  "+",
  "?",
  "{2}",
  "{1,2}",
  "{0,2}",
  "{2,}",
  "*?",
  "+?",
  "??",
];

const properties = [
  "L",
  "Lu",
  "Ll",
  "N",
  "Script=Greek",
  "Script=Cyrillic",
  "Emoji",
  "ASCII",
  "Any",
  "White_Space",
];

function oneClass(random: Random, unicode: boolean): string {
  let text = random.oneIn(3) ? "[^" : "[";
  for (let n = random.below(4); n >= 0; n--) {
    const kind = random.below(6);
    if (kind === 0) {
      text += random.pick(["\\d", "\\D", "\\w", "\\W", "\\s", "\\S"]);
    } else if (kind === 1) {
      const [low, high] = [character(random), character(random)].sort((a, b) =>
        a.codePointAt(0)! - b.codePointAt(0)!
      );
      const single = [...low].length === low.length && high.length === 1;
      text += literal(low, true, unicode);
      if (unicode || single) text += "-" + literal(high, true, unicode);
    } else if (kind === 2 && unicode) {
      text += random.pick(["\\p", "\\P"]) + `{${random.pick(properties)}}`;
    } else text += literal(character(random), true, unicode);
  }
  return text + "]";
}

function atom(random: Random, unicode: boolean, depth: number): string {
  const kind = random.below(14);
  if (kind < 6) return literal(character(random), false, unicode);
  if (kind === 6) return ".";
  if (kind === 7) {
    return random.pick(["\\d", "\\D", "\\w", "\\W", "\\s", "\\S"]);
  }
  if (kind === 8) return oneClass(random, unicode);
  if (kind === 9) return random.pick(["^", "$", "\\b", "\\B"]);
  if (kind === 10 && unicode) {
    return random.pick(["\\p", "\\P"]) + `{${random.pick(properties)}}`;
  }
  if (depth <= 0) return literal(character(random), false, unicode);
  // With `u`, V8 mistakes what `\W` is once `i` was on anywhere before.
  const open = random.pick(
    unicode
      ? ["(", "(?:", "(?s-m:", "(?m:"]
      : ["(", "(?:", "(?:", "(?i:", "(?-i:", "(?s-m:", "(?m:"],
  );
  return open + expression(random, unicode, depth - 1) + ")";
}

// Loops within loops make V8 take its time, which it has only for short texts.
let loopsInLoops = false;

function expression(random: Random, unicode: boolean, depth: number): string {
  const ways: string[] = [];
  do {
    let text = "";
    for (let n = random.below(4); n > 0; n--) {
      const part = atom(random, unicode, depth);
      text += part;
      const repeatable = !/^(\^|\$|\\b|\\B)$/.test(part);
      if (repeatable && random.oneIn(3)) {
        text += /[*+,]/.test(part) && part.length > 2 && !loopsInLoops
          ? random.pick(["?", "??", "{2}"])
          : random.pick(quantifiers);
      }
    }
    ways.push(text);
  } while (random.oneIn(4) && ways.length < 3);
  return ways.join("|");
}

/** A pattern that V8 takes. */
export function randomPattern(
  random: Random,
): { source: string; flags: string } {
  while (true) {
    let flags = "";
    for (const flag of "imsu") if (random.oneIn(3)) flags += flag;
    if (random.oneIn(16)) flags += "y";
    const source = expression(random, flags.includes("u"), random.below(3)) ||
      "a";
    try {
      return { source: new RegExp(source, flags).source, flags };
    } catch {
      // Not one: the next, please.
    }
  }
}

/** Text as patterns like it; now and then with bytes that are no text, or with `\r\n` at the end of each line. */
export function randomBytes(random: Random, most: number): number[] {
  const bytes: number[] = [];
  const broken = random.oneIn(3);
  const newline = random.oneIn(3) ? "\r\n" : "\n";
  for (let n = random.below(most); n > 0; n--) {
    if (broken && random.oneIn(6)) {
      bytes.push(
        random.pick([
          0xc3,
          0xe2,
          0x80,
          0xf0,
          0x9f,
          0xff,
          0xed,
          0xa0,
          0xf4,
          0x90,
        ]),
      );
    } else {
      const text = character(random).replace(/^\n$/, newline);
      bytes.push(...new TextEncoder().encode(text));
    }
  }
  return bytes;
}

/** Text as patterns like it. */
export function randomText(random: Random, most: number): string {
  let text = "";
  const newline = random.oneIn(3) ? "\r\n" : "\n";
  for (let n = random.below(most); n > 0; n--) {
    text += character(random).replace(/^\n$/, newline);
  }
  return text;
}

export function randomCase(random: Random): Case {
  loopsInLoops = random.oneIn(8);
  const most = loopsInLoops ? 9 : random.oneIn(20) ? 200 : 24;
  const bytes = randomBytes(random, most);
  const chunks = random.chunks(Uint8Array.from(bytes)).map((
    chunk,
  ) => [...chunk]);
  const count = random.oneIn(3) ? 1 + random.below(4) : 1;
  return {
    patterns: Array.from({ length: count }, () => ({
      ...randomPattern(random),
      from: random.oneIn(3) ? random.below(chunks.length + 1) : 0,
      to: random.oneIn(4) ? random.below(chunks.length + 2) : Infinity,
    })),
    chunks,
    skipReturns: random.oneIn(4),
    // Half of a character beyond U+FFFF, which is one without `u`, has no
    // place in the bytes of its own.
    text: random.oneIn(3) && !bytes.includes(0xf0),
  };
}

/** Where a match is, in bytes; its start if that is asked for. */
interface Place {
  start: number | undefined;
  end: number;
}

/** What the scanner finds: for each pattern, where its matches are. */
function scannerFinds(test: Case): Place[][] {
  using scanner = new Scanner({ skipCarriageReturns: test.skipReturns });
  const { text } = test;
  const found = test.patterns.map((): Place[] => []);
  const numbers = new Map<number, number>();
  const take = (matches: Match[]) => {
    for (const { id, start, end, groups } of matches) {
      found[numbers.get(id)!].push({ start, end });
      if (text && groups === undefined) throw new Error("No groups");
    }
    for (let i = 1; i < matches.length; i++) {
      if (matches[i].end < matches[i - 1].end) throw new Error("Not in order");
    }
  };
  for (let i = 0; i <= test.chunks.length; i++) {
    test.patterns.forEach(({ source, flags, from, to }, number) => {
      if (from === i) {
        numbers.set(scanner.add(new RegExp(source, flags), { text }), number);
      }
      if (to === i && from < i) {
        for (const [id, of] of numbers) if (of === number) scanner.delete(id);
      }
    });
    if (i < test.chunks.length) {
      take(scanner.scan(Uint8Array.from(test.chunks[i])));
    }
  }
  take(scanner.finish());
  return found;
}

/** A character of the stream: its place in the bytes and in the text. */
interface Character {
  start: number;
  end: number;
  /** How many bytes it takes to be sure of it. */
  known: number;
  index: number;
  text: string;
}

/** Byte for byte as `TextDecoder` does it, with nothing clever about it. */
function characters(bytes: Uint8Array, skipReturns: boolean): Character[] {
  const all: Character[] = [];
  let index = 0;
  for (let at = 0; at < bytes.length;) {
    let length = 1;
    let text = "\ufffd";
    // An incomplete character is no character unless the stream ends with it.
    let known = Infinity;
    for (let n = 1; n <= 4 && at + n <= bytes.length; n++) {
      const decoder = new TextDecoder("utf-8", {
        fatal: true,
        ignoreBOM: true,
      });
      const some = bytes.subarray(at, at + n);
      try {
        text = decoder.decode(some, { stream: true }) || text;
      } catch {
        known = at + n;
        break;
      }
      length = n;
      if (text !== "\ufffd" || some[0] === 0xef && n === 3) {
        known = at + n;
        break;
      }
    }
    if (!skipReturns || text !== "\r") {
      all.push({ start: at, end: at + length, known, index, text });
      index += text.length;
    }
    at += length;
  }
  const whole = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const text = all.map((character) => character.text).join("");
  if (text !== (skipReturns ? whole.replaceAll("\r", "") : whole)) {
    throw new Error(`Wrong reference for ${[...bytes]}`);
  }
  return all;
}

/**
 * Where, by V8, a pattern's matches are in a text: each ends as early as can
 * be, one after the other, and starts leftmost of those that end there.
 */
function earliestMatches(
  source: string,
  flags: string,
  text: string,
  from: number,
): { start: number; end: number }[] {
  const unicode = flags.includes("u");
  // A match that ends one character before the end of a text, or at its end:
  // for every end, V8 gets the text up to the character after it. Each start
  // is tried by itself, since V8's search overlooks some of `(?:|.*?a^)$`.
  const method = flags.replace("y", "") + "y";
  const same = withPlainStart(source);
  const before = new RegExp(`(?:${same})(?=[^])(?![^][^])`, method);
  const atEnd = new RegExp(`(?:${same})(?![^])`, method);
  const matches: { start: number; end: number }[] = [];
  let base = from;
  for (let end = from; end <= text.length; end++) {
    if (unicode && /[\udc00-\udfff]/.test(text[end] ?? "")) continue;
    const next = unicode && text.codePointAt(end)! > 0xffff ? 2 : 1;
    const regexp = end < text.length ? before : atEnd;
    const some = text.slice(0, end + next);
    const last = flags.includes("y") ? base : end;
    const start = firstStart(regexp, some, base, last);
    if (start === undefined) continue;
    matches.push({ start, end });
    base = end;
  }
  return matches;
}

/**
 * The same pattern, with a `^` that V8 does not look at before the rest: it
 * finds nothing by `/(.+?A)?^/s` where Python finds the start of the text.
 */
function withPlainStart(source: string): string {
  return source.replace(
    /\\[^]|\[(?:\\[^]|[^\]\\])*\]|\^/g,
    (part) => part === "^" ? "(?:^|(?!))" : part,
  );
}

/** The first index, from one to another, at which a sticky pattern matches. */
function firstStart(
  regexp: RegExp,
  text: string,
  first: number,
  last: number,
): number | undefined {
  for (let at = first; at <= last; at++) {
    // From within a pair, V8 would step back to its begin.
    const within = /^[\ud800-\udbff][\udc00-\udfff]/.test(
      text.slice(Math.max(0, at - 1), at + 1),
    );
    if (regexp.unicode && within) continue;
    regexp.lastIndex = at;
    if (regexp.test(text)) return at;
  }
  return undefined;
}

/** What the scanner finds that V8 does not, or the other way round. */
export function disagreement(test: Case): string | undefined {
  let found: Place[][];
  try {
    found = scannerFinds(test);
  } catch (error) {
    return String(error);
  }
  const starts = [0];
  for (const chunk of test.chunks) starts.push(starts.at(-1)! + chunk.length);
  const bytes = Uint8Array.from(test.chunks.flat());
  const all = characters(bytes, test.skipReturns);
  const text = all.map((character) => character.text).join("");
  for (const [number, pattern] of test.patterns.entries()) {
    const { source, flags, from, to } = pattern;
    // A character that is not whole yet belongs to what follows.
    const first = all.find(({ known, end }) =>
      Math.max(known, end) > starts[from]
    );
    const expected = earliestMatches(
      source,
      flags,
      text,
      first?.index ?? text.length,
    ).map(({ start, end }) => {
      const before = all.findLast((character) => character.index < end);
      const next = all.find((character) => character.index >= end);
      const first = all.find(({ index, text }) => index + text.length > start);
      const after = before?.end ?? 0;
      return {
        start: !test.text ? undefined : start === end ? after : first?.start,
        end: after,
        known: next?.known ?? Infinity,
      };
    });
    const sure = to > from && to <= test.chunks.length
      ? expected.filter(({ known }) => known <= starts[to]).length
      : expected.length;
    // The text after a match on which it might depend may not be there when it
    // is reported.
    const startIsSure = !/[$]|\\[bB]/.test(source);
    const show = ({ start, end }: Place) =>
      startIsSure && start !== undefined ? `${start}…${end}` : `${end}`;
    const wanted = expected.map(show);
    const actual = found[number].map(show);
    if (
      actual.length < sure || actual.some((match, i) => match !== wanted[i])
    ) {
      return `pattern ${number}: the scanner finds [${actual}], V8 [${wanted}]`;
    }
  }
  return undefined;
}

/** A smaller case that still disagrees. */
export function shrink(test: Case): Case {
  for (let smaller = true; smaller;) {
    smaller = false;
    for (const candidate of smallerCases(test)) {
      if (disagreement(candidate) === undefined) continue;
      test = candidate;
      smaller = true;
      break;
    }
  }
  return test;
}

function* smallerCases(test: Case): Generator<Case> {
  const { patterns, chunks } = test;
  for (let i = 0; i < patterns.length && patterns.length > 1; i++) {
    yield { ...test, patterns: patterns.toSpliced(i, 1) };
  }
  if (test.skipReturns) yield { ...test, skipReturns: false };
  if (test.text) yield { ...test, text: false };
  if (chunks.length > 1) {
    for (let i = 0; i + 1 < chunks.length; i++) {
      yield {
        ...test,
        chunks: chunks.toSpliced(i, 2, [...chunks[i], ...chunks[i + 1]]),
        patterns: patterns.map((pattern) => ({
          ...pattern,
          from: pattern.from > i ? pattern.from - 1 : pattern.from,
          to: pattern.to > i ? pattern.to - 1 : pattern.to,
        })),
      };
    }
  }
  for (let i = 0; i < chunks.length; i++) {
    for (let j = 0; j < chunks[i].length; j++) {
      yield {
        ...test,
        chunks: chunks.with(i, chunks[i].toSpliced(j, 1)),
      };
    }
  }
  for (let i = 0; i < patterns.length; i++) {
    const change = (part: Partial<Case["patterns"][0]>): Case => ({
      ...test,
      patterns: patterns.with(i, { ...patterns[i], ...part }),
    });
    if (patterns[i].to !== Infinity) yield change({ to: Infinity });
    if (patterns[i].from > 0) yield change({ from: 0 });
    const { source, flags } = patterns[i];
    for (let cut = source.length; cut > 0; cut--) {
      for (let at = 0; at + cut <= source.length; at++) {
        const shorter = source.slice(0, at) + source.slice(at + cut);
        if (shorter && isPattern(shorter, flags)) {
          yield change({ source: shorter });
        }
      }
    }
    for (const flag of flags) {
      const fewer = flags.replace(flag, "");
      if (isPattern(source, fewer)) yield change({ flags: fewer });
    }
  }
}

function isPattern(source: string, flags: string): boolean {
  try {
    return new RegExp(source, flags).source === source;
  } catch {
    return false;
  }
}
