import { assert, assertEquals } from "@std/assert";
import { Scanner } from "../../../src/scan/mod.ts";

interface Translation {
  source: string;
  flags: string;
  text: string;
}

interface Answer {
  pattern: string;
  text: Translation | null;
  stream: Translation | null;
  always: boolean;
  texts: { text: string; found: boolean; foundInLines: boolean }[];
}

/** What Python says of these patterns, and of some that it makes up. */
async function ask(
  cases: [pattern: string, texts: string[]][],
  madeUp = 0,
): Promise<Answer[]> {
  const here = new URL(".", import.meta.url).pathname;
  const process = new Deno.Command("python3", {
    args: [
      `${here}patterns.py`,
      new URL("../../../src/script/python", import.meta.url).pathname,
      String(madeUp),
    ],
    env: { PYTHONDONTWRITEBYTECODE: "1" },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(cases)));
  await writer.close();
  const { success, stdout } = await process.output();
  assert(success);
  return JSON.parse(new TextDecoder().decode(stdout));
}

function inText({ source, flags }: Translation, text: string): boolean {
  return new RegExp(source, flags).test(text);
}

/** Whether a scanner finds it, however the text is cut. */
function inStream(
  { source, flags }: Translation,
  text: string,
  cut: number,
): boolean {
  using scanner = new Scanner();
  scanner.add(new RegExp(source, flags));
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += cut) {
    if (scanner.scan(bytes.subarray(at, at + cut)).length > 0) return true;
  }
  return scanner.finish().length > 0;
}

function check(answer: Answer): void {
  for (const { text, found, foundInLines } of answer.texts) {
    const told = (how: string, translation: Translation) =>
      `${how} ${JSON.stringify(answer.pattern)} in ${JSON.stringify(text)} as ${
        JSON.stringify(translation.source)
      }`;
    if (answer.text !== null) {
      const mine = inText(answer.text, text);
      assertEquals(mine, found, told("text", answer.text));
    }
    // U+2028 is the end of a line to JavaScript's scanner; see _patterns.py.
    const comparable = text.endsWith("\n") && !text.includes("\u2028");
    if (answer.stream !== null && !answer.always && comparable) {
      for (const cut of [1, 3, 100]) {
        const mine = inStream(answer.stream, text, cut);
        assertEquals(
          mine,
          foundInLines,
          told(`stream by ${cut}`, answer.stream),
        );
      }
    }
  }
}

const cases: [pattern: string, texts: string[]][] = [
  ["login: ", ["host login: \n", "log in\n"]],
  ["Reached target .*\\.", ["Reached target Sound Card.\n"]],
  ["a.c", ["a\nc\n", "abc\n", "a\rc\n", "a\u2028c\n"]],
  ["(?s)a.c", ["a\nc\n"]],
  ["(?i)straße", ["STRASSE\n", "straße\n"]],
  ["(?i)disk [a-c]", ["DISK B\n", "disk d\n"]],
  ["(?i)[^k]\\Z", ["K", "\u212a", "x"]],
  ["(?i)i", ["İ\n", "ı\n", "I\n"]],
  ["^b", ["a\nb\n", "b\n"]],
  ["(?m)^b$", ["a\nb\nc\n", "ab\n"]],
  ["a$", ["a\n", "a", "a\n\n", "a\nb\n"]],
  ["a\\Z", ["a\n", "a", "b\na\nc\n"]],
  ["\\Ab", ["a\nb\n", "b\n"]],
  ["a\\n$", ["a\nb\n", "a\n\n"]],
  ["\\s$", ["a\nb\n"]],
  ["\\bfoo\\b", ["a foo b\n", "éfoo\n", "foo_\n", "foo\n"]],
  ["\\Boo", ["foo\n", "oo\n"]],
  ["\\d+", ["٣\n", "x\n", "7\n"]],
  ["(?a)\\d+", ["٣\n", "7\n"]],
  ["\\s", ["a\x1fb", "a\ufeffb", "a\u00a0b"]],
  ["[\\w.]+@", ["ü.x@\n", "@\n"]],
  ["[^\\W\\d_]", ["1_\n", "é\n"]],
  ["(?P<x>a+)b(?P=x)", ["aabaa\n", "aab\n"]],
  ["(a)?\\1", ["\n", "aa\n"]],
  ["(?P<q>['\"]).*?(?P=q)", ["say 'x\"'\n", "say 'x\"\n"]],
  ["(?x) a  b  # and so on\n c", ["abc\n", "a b c\n"]],
  ["(?<=key: )\\w+", ["key: x\n", "x\n"]],
  ["(?<!no )entry", ["no entry\n", "an entry\n"]],
  ["foo(?!bar)", ["foobar\n", "foobaz\n", "foo\n"]],
  ["(?(1)a|b)", ["a\n"]],
  ["(a)(?(1)b|c)", ["ab\n", "ac\n"]],
  ["a{2,}", ["a\n", "aaa\n"]],
  ["[]a]", ["]\n", "b\n"]],
  ["[a\\-z]", ["-\n", "m\n"]],
  ["[/{}|]", ["{\n", "/\n", "a\n"]],
  ["\\$\\(x\\)", ["$(x)\n"]],
  ["\\x41\\u00e9\\U0001F600", ["Aé😀\n"]],
  ["^.$", ["😀\n", "ab\n"]],
  ["", ["\n"]],
];

Deno.test("a translated pattern finds what Python finds", async (t) => {
  for (const answer of await ask(cases)) {
    await t.step(JSON.stringify(answer.pattern), () => check(answer));
  }
});

Deno.test("random patterns find what Python finds", async () => {
  const answers = await ask([], 3000);
  answers.forEach(check);
  const share = (which: "text" | "stream") =>
    answers.filter((answer) => answer[which] !== null).length / answers.length;
  assert(share("text") > 0.9, `${share("text")} of them are translated`);
  assert(share("stream") > 0.3, `${share("stream")} are, for streams`);
});

Deno.test("patterns that JavaScript can't express are not translated", async () => {
  const untranslatable = ["(a)?\\1", "(a)(?(1)b|c)", "(?i)ß"];
  for (const answer of await ask(untranslatable.map((one) => [one, []]))) {
    assertEquals(answer.text, null, answer.pattern);
  }
  const unclearUntilTheEnd = ["^a", "foo(?!bar)", "(?<=a)b", "a$b", "\\Ba"];
  for (const answer of await ask(unclearUntilTheEnd.map((one) => [one, []]))) {
    assertEquals(answer.stream, null, answer.pattern);
  }
});

Deno.test("a pattern that Python has compiled keeps its flags", async () => {
  const code = [
    "import json, re, sys",
    "from test_driver._patterns import Pattern",
    "pattern = re.compile('ab.', re.IGNORECASE | re.DOTALL)",
    "print(json.dumps(Pattern(pattern).for_text()))",
  ].join("\n");
  const { stdout } = await new Deno.Command("python3", {
    args: ["-c", code],
    env: {
      PYTHONPATH: new URL("../../../src/script/python", import.meta.url)
        .pathname,
      PYTHONDONTWRITEBYTECODE: "1",
    },
  }).output();
  const translation = JSON.parse(new TextDecoder().decode(stdout));
  assert(inText(translation, "xAB\n"));
  assertEquals(translation.text, "ab.");
});
