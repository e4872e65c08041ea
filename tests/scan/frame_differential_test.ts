import { assertEquals } from "@std/assert";
import { cutInWords } from "./frame_words.ts";
import { Random, seed } from "./random.ts";

const maxFrame = 120;
const maxDepth = 4;

/** Whether text may be the beginning of JSON, by what V8 says of it. */
function mayGoOn(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    const { message } = error as Error;
    const position = /at position (\d+)/.exec(message)?.[1];
    return position === undefined
      ? message.startsWith("Unexpected end")
      : Number(position) >= text.length;
  }
}

function depth(text: string): number {
  const outside = text.replace(/"(?:\\[^]|[^"\\])*(?:"|\\?$)/g, "");
  let deep = 0;
  for (const bracket of outside) {
    if ("{[".includes(bracket)) deep++;
    if ("}]".includes(bracket)) deep--;
  }
  return deep;
}

/** The same as the cutter, a byte at a time; all that came of a message is parsed each time. */
function reference(bytes: Uint8Array): string[] {
  const found: string[] = [];
  let message: string | undefined;
  let skipping = false;
  let before = 10;
  for (const [at, byte] of bytes.entries()) {
    const character = String.fromCharCode(byte);
    const atLineStart = before === 10;
    before = byte;
    if (
      character === "{" && (atLineStart || !skipping && message === undefined)
    ) {
      if (message !== undefined) found.push(`error at ${at}`);
      message = "{";
      skipping = false;
      continue;
    }
    if (skipping) continue;
    if (message === undefined) {
      if (/[ \n\r\t]/.test(character)) continue;
      found.push(`error at ${at}`);
      skipping = true;
      continue;
    }
    message += character;
    const wrong = message.length > maxFrame || !mayGoOn(message) ||
      depth(message) > maxDepth;
    if (wrong) {
      found.push(`error at ${at}`);
      message = undefined;
      skipping = true;
    } else if (depth(message) === 0) {
      found.push(describe(message, at + 1 - message.length));
      message = undefined;
    }
  }
  return found;
}

function describe(text: string, at: number): string {
  const kinds = {
    QMP: "greeting",
    return: "return",
    error: "error",
    event: "event",
  };
  const parsed = JSON.parse(text);
  const names = Object.keys(kinds).filter((name) =>
    Object.hasOwn(parsed, name)
  );
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  const decoded = new TextDecoder().decode(bytes);
  const { id, event } = JSON.parse(decoded);
  const isEvent = names[0] === "event";
  if (names.length !== 1 || isEvent && typeof event !== "string") {
    return `error at ${at}`;
  }
  return JSON.stringify([
    kinds[names[0] as keyof typeof kinds],
    typeof id === "string" || typeof id === "number" ? id : undefined,
    isEvent ? event : undefined,
    decoded,
  ]);
}

function value(random: Random, deep: number): string {
  const kind = random.below(deep > 0 ? 10 : 7);
  if (kind === 0) return random.pick(["true", "false", "null"]);
  if (kind < 3) return random.pick(["0", "-1", "12", "1.5", "-0.25e+3", "9E1"]);
  if (kind < 7) {
    return `"${
      random.pick([
        "",
        "id",
        "event",
        "{",
        "}",
        '\\"',
        "\\\\",
        "\\u00e9",
        "é",
        "a b",
        "return",
      ])
    }"`;
  }
  const parts = Array.from(
    { length: random.below(3) },
    () => value(random, deep - 1),
  );
  return kind === 7
    ? `[${parts.join(", ")}]`
    : `{${
      parts.map((part) =>
        `"${random.pick(["a", "id", "return", "event"])}": ${part}`
      ).join(",")
    }}`;
}

function stream(random: Random): Uint8Array {
  let text = "";
  for (let n = random.below(6); n >= 0; n--) {
    const members = [
      `"${
        random.pick(["QMP", "return", "return", "error", "event", "events"])
      }": ${value(random, 3)}`,
    ];
    if (random.oneIn(2)) members.push(`"id": ${value(random, 2)}`);
    if (random.oneIn(4)) members.push(`"data": ${value(random, 2)}`);
    if (random.oneIn(2)) members.reverse();
    text += `{${members.join(", ")}}`;
    text += random.pick(["\r\n", "\n", "\r\n", "", " ", "\n\n", " x", "\n  "]);
  }
  const bytes = [...new TextEncoder().encode(text)];
  for (let n = random.oneIn(2) ? random.below(4) : 0; n > 0; n--) {
    const at = random.below(bytes.length + 1);
    const byte = random.pick(
      [...'\n\r{}[]":,0-e.tn\\u ', "\n{"].map((text) => text.charCodeAt(0))
        .concat(random.below(256)),
    );
    if (random.oneIn(3)) bytes.splice(at, random.below(20));
    else if (random.oneIn(2)) bytes.splice(at, 0, byte);
    else bytes.splice(at, 1, byte);
  }
  return Uint8Array.from(bytes);
}

const cases = Deno.args.includes("--long") || Deno.env.has("VMWRIGHT_LONG")
  ? 100_000
  : 5_000;

Deno.test(`FrameCutter cuts ${cases} random streams as a byte-at-a-time reference does`, () => {
  const first = seed();
  console.log(`seed: ${first} (run again with SEED=${first})`);
  for (let i = 0; i < cases; i++) {
    const random = new Random(first + i);
    const bytes = stream(random);
    assertEquals(
      cutInWords(random.chunks(bytes), { maxFrame, maxDepth }),
      reference(bytes),
      `case ${i} of seed ${first}: ${
        JSON.stringify(new TextDecoder().decode(bytes))
      }`,
    );
  }
});
