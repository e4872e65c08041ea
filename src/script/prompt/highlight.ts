import type { Language } from "../language.ts";

const text = "\x1b[32m", comment = "\x1b[90m", number = "\x1b[33m";
const keyword = "\x1b[36m", plain = "\x1b[39m";

const WORDS: Record<Language, string> = {
  typescript:
    "as async await break case catch class const continue default delete do " +
    "else export extends false finally for from function if import in " +
    "instanceof let new null of return satisfies static super switch this " +
    "throw true try type typeof undefined using var void while yield",
  python:
    "False None True and as assert async await break class continue def del " +
    "elif else except finally for from global if import in is lambda nonlocal " +
    "not or pass raise return try while with yield",
};

/** Strings and comments; one without an end goes to the line's end. */
const TEXTS: Record<Language, RegExp> = {
  typescript:
    /\/\/.*|\/\*.*?(?:\*\/|$)|"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|`(?:[^`\\]|\\.)*`?|(?<=(?:^|[=(,:[!&|?{};]|return)\s*)\/(?:[^/\\[]|\\.|\[(?:[^\]\\]|\\.)*\])+\/\w*/g,
  python: /#.*|"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?/g,
};

/** Words and numbers of code without its texts. */
const CODE = /(?<![\w$.])(?:([a-zA-Z]\w*)|(\d[\w.]*))/g;

/**
 * Colours a line of code for a terminal. It adds only colours, and looks at no
 * other line, so it does not know strings and comments that began before.
 *
 * @param line The line.
 * @param language Its language.
 */
export function highlight(line: string, language: Language): string {
  const words = WORDS[language].split(" ");
  let out = "";
  let from = 0;
  for (const { index, 0: part } of line.matchAll(TEXTS[language])) {
    const isComment = /^(?:\/[/*]|#)/.test(part);
    out += code(line.slice(from, index), words) +
      `${isComment ? comment : text}${part}${plain}`;
    from = index + part.length;
  }
  return out + code(line.slice(from), words);
}

function code(part: string, words: readonly string[]): string {
  return part.replace(
    CODE,
    (all, word?: string) =>
      word === undefined
        ? `${number}${all}${plain}`
        : words.includes(word)
        ? `${keyword}${all}${plain}`
        : all,
  );
}
