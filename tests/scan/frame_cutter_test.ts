import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Frame,
  FrameCutter,
  type FrameCutterOptions,
  type FrameError,
} from "../../src/scan/mod.ts";
import { cutInWords } from "./frame_words.ts";

function cut(text: string, options?: FrameCutterOptions): string[] {
  const bytes = new TextEncoder().encode(text);
  const whole = cutInWords([bytes], options);
  const single = cutInWords(
    Array.from(bytes, (byte) => Uint8Array.of(byte)),
    options,
  );
  assertEquals(single, whole, "The same, byte by byte");
  return whole;
}

Deno.test("a message is recognised by its members before it is parsed", () => {
  assertEquals(
    cut(
      '{"QMP": {"version": {}}}\r\n{"return": {"event": 1}, "id": "a\\n"}\r\n' +
        '{"id": -1.5e2, "error": {"class": "X"}}{"event":"STOP", "data": {}}\n',
    ),
    [
      '["greeting",null,null,"{\\"QMP\\": {\\"version\\": {}}}"]',
      JSON.stringify([
        "return",
        "a\n",
        null,
        '{"return": {"event": 1}, "id": "a\\n"}',
      ]),
      JSON.stringify([
        "error",
        -150,
        null,
        '{"id": -1.5e2, "error": {"class": "X"}}',
      ]),
      JSON.stringify(["event", null, "STOP", '{"event":"STOP", "data": {}}']),
    ],
  );
});

Deno.test("an id that is neither string nor number is left out", () => {
  for (const id of ["null", "true", '{"a": [1]}', "[]"]) {
    assert(cut(`{"return": {}, "id": ${id}}`)[0].startsWith('["return",null'));
  }
});

Deno.test("a message may be printed over several lines", () => {
  assertEquals(
    cut('{\n    "return": {\n        "a": [\n        ]\n    }\n}\n').length,
    1,
  );
});

Deno.test("stray bytes are one error, and the next line is read", () => {
  assertEquals(cut('noise {"return": {}}\n{"return": {}}\n'), [
    "error at 0",
    '["return",null,null,"{\\"return\\": {}}"]',
  ]);
});

Deno.test("a message that was cut short is an error, and the next one is read", () => {
  for (
    const short of ['{"return": {"a"', '{"return": "a', '{"return":', '{"ret']
  ) {
    const found = cut(`${short}\n{"event": "STOP"}\n`);
    assertEquals(found.length, 2, short);
    assert(found[0].startsWith("error at"), short);
    assert(found[1].startsWith('["event"'), short);
  }
});

Deno.test("bytes that are not JSON are an error at the first wrong byte", () => {
  for (
    const [text, offset] of [
      ['{"return": }', 11],
      ['{"return" {}}', 10],
      ["{return: 1}", 1],
      ['{"return": 01}', 12],
      ['{"return": 1.}', 13],
      ['{"return": -}', 12],
      ['{"return": 1e}', 13],
      ['{"return": nul}', 14],
      ['{"return": "\t"}', 12],
      ['{"return": "\\x"}', 13],
      ['{"return": "\\u12g4"}', 16],
      ['{"return": [}', 12],
      ['{"return": {]', 12],
      ['{"return": [1,]}', 14],
      ['{"return": 1,}', 13],
      ['{"return": 1 2}', 13],
      ['{"return": é}', 11],
    ] as const
  ) {
    assertEquals(cut(text), [`error at ${offset}`], text);
  }
});

Deno.test("a message of no kind of QMP is an error, and so is one of two kinds", () => {
  assertEquals(cut('{"id": 1}'), ["error at 0"]);
  assertEquals(cut(' {"return": 1, "error": 2}'), ["error at 1"]);
  assertEquals(cut('{"event": 5}'), ["error at 0"]);
});

Deno.test("a message that is too long is given up where it gets too long", () => {
  const options = { maxFrame: 20 };
  assertEquals(
    cut('{"return": "123456"}', options).length,
    1,
    "20 bytes are not too long",
  );
  assertEquals(cut('{"return": "1234567"}\n{"return": 1}', options), [
    "error at 20",
    '["return",null,null,"{\\"return\\": 1}"]',
  ]);
});

Deno.test("a message that is nested too deep is given up where it gets too deep", () => {
  const options = { maxDepth: 3 };
  assertEquals(cut('{"return": [[1]]}', options).length, 1);
  assertEquals(cut('{"return": [[[1]]]}\n{"return": 1}', options), [
    "error at 13",
    '["return",null,null,"{\\"return\\": 1}"]',
  ]);
  const deep = '{"return": ' + "[".repeat(100_000);
  assertEquals(cutInWords([new TextEncoder().encode(deep)]), ["error at 74"]);
});

Deno.test("a message of megabytes arrives whole", () => {
  const text = `{"return": "${"x".repeat(3_000_000)}", "id": 7}`;
  using cutter = new FrameCutter();
  const bytes = new TextEncoder().encode(text + "\r\n");
  const frames: (Frame | FrameError)[] = [];
  for (let at = 0; at < bytes.length; at += 50_000) {
    frames.push(...cutter.push(bytes.subarray(at, at + 50_000)));
  }
  assertEquals(frames.length, 1);
  const [frame] = frames as Frame[];
  assertEquals(frame.id, 7);
  assertEquals(new TextDecoder().decode(frame.bytes), text);
});

Deno.test("limits have to be whole numbers within reason", () => {
  assertThrows(() => new FrameCutter({ maxFrame: 0 }), RangeError);
  assertThrows(() => new FrameCutter({ maxDepth: 1.5 }), RangeError);
});
