/** Facts about JavaScript or TypeScript that need no parser. */
export interface SourceScan {
  /**
   * The code, with a space for each character of comments, strings and regular
   * expressions. Line feeds stay.
   */
  readonly masked: string;
  /** Whether it ends inside of brackets, a template or a comment. */
  readonly isOpen: boolean;
  /** Whether it ends inside of a string, a template or a comment. */
  readonly endsInText: boolean;
}

const closing: Record<string, string> = { "(": ")", "[": "]", "{": "}" };

/** Words after which a slash begins a regular expression. */
const beforeOperand =
  /(?:^|[^\w$.])(?:await|case|delete|do|else|in|instanceof|new|of|return|throw|typeof|void|yield)$/;

/** Scans code. */
export function scanSource(code: string): SourceScan {
  let masked = "";
  /** The closing brackets that are missing; "`" for a template. */
  const stack: string[] = [];
  let isOpen = false;
  let endsInText = false;
  let at = 0;
  const keep = (length: number) => {
    masked += code.slice(at, at + length);
    at += length;
  };
  const hide = (length: number) => {
    masked += code.slice(at, at + length).replace(/[^\n]/g, " ");
    at += length;
  };
  const skip = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const length = pattern.exec(code)?.[0].length ?? 0;
    hide(length);
    return length;
  };
  while (at < code.length) {
    const char = code[at];
    if (stack.at(-1) === "`") {
      if (char === "`") {
        stack.pop();
        keep(1);
      } else if (code.startsWith("${", at)) {
        stack.push("}");
        hide(2);
      } else {
        skip(/\\[^]?|(?:[^\\`$]|\$(?!\{))+/y);
      }
    } else if (char === "`") {
      stack.push("`");
      keep(1);
    } else if (char === '"' || char === "'") {
      keep(1);
      skip(char === '"' ? /(?:[^"\\\n]|\\[^])*/y : /(?:[^'\\\n]|\\[^])*/y);
      if (code[at] === char) keep(1);
      else {
        endsInText = at >= code.length - 1;
        isOpen = endsInText && code.endsWith("\\");
      }
    } else if (code.startsWith("//", at)) {
      skip(/[^\n]*/y);
      endsInText = at === code.length;
    } else if (code.startsWith("/*", at)) {
      const end = code.indexOf("*/", at + 2);
      if (end < 0) isOpen = endsInText = true;
      hide((end < 0 ? code.length : end + 2) - at);
    } else if (char === "/" && mayBeginOperand(masked)) {
      keep(1);
      skip(/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\]?)*/y);
      if (code[at] === "/") keep(1);
    } else {
      if (char in closing) stack.push(closing[char]);
      else if (char === stack.at(-1)) stack.pop();
      // A bracket that closes nothing is a mistake, which no further text can
      // mend.
      else if (")]}".includes(char)) {
        return { masked: code, isOpen: false, endsInText: false };
      }
      keep(1);
    }
  }
  return {
    masked,
    isOpen: isOpen || stack.length > 0,
    endsInText: endsInText || stack.at(-1) === "`",
  };
}

/** Whether code can't end here, so that it must go on. */
export function endsInOperator(masked: string): boolean {
  const end = masked.trimEnd();
  if (/(?:\+\+|--)$/.test(end)) return false;
  return /(?:[=+\-*/%&|^!~?:,.<]|=>|(?:^|[^\w$.])(?:async|await|class|const|else|extends|export|from|function|import|in|instanceof|let|new|of|throw|try|typeof|var|void))$/
    .test(end);
}

function mayBeginOperand(before: string): boolean {
  const end = before.trimEnd();
  return !/[\w$)\]}"'`/]$/.test(end) || beforeOperand.test(end);
}
