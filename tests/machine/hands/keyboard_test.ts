import { assertEquals, assertThrows } from "@std/assert";
import { keysOf, namingKey } from "../../../src/machine/hands/keyboard.ts";
import { UsageError } from "../../../src/errors.ts";
import { QmpError } from "../../../src/qmp/mod.ts";

/** Keys as one text: `shift+a`. */
function pressed(key: string): string {
  return keysOf(key).map(({ data }) => data).join("+");
}

Deno.test("every character of a US keyboard has its keys", () => {
  const characters: Record<string, string> = {
    a: "a",
    z: "z",
    A: "shift+a",
    Z: "shift+z",
    0: "0",
    9: "9",
    " ": "spc",
    "\n": "ret",
    "\t": "tab",
    "\b": "backspace",
    "!": "shift+1",
    "@": "shift+2",
    "#": "shift+3",
    $: "shift+4",
    "%": "shift+5",
    "^": "shift+6",
    "&": "shift+7",
    "*": "shift+8",
    "(": "shift+9",
    ")": "shift+0",
    "-": "minus",
    _: "shift+minus",
    "=": "equal",
    "+": "shift+equal",
    "[": "bracket_left",
    "]": "bracket_right",
    "{": "shift+bracket_left",
    "}": "shift+bracket_right",
    ";": "semicolon",
    ":": "shift+semicolon",
    "'": "apostrophe",
    '"': "shift+apostrophe",
    "`": "grave_accent",
    "~": "shift+grave_accent",
    "\\": "backslash",
    "|": "shift+backslash",
    ",": "comma",
    ".": "dot",
    "/": "slash",
    "<": "shift+comma",
    ">": "shift+dot",
    "?": "shift+slash",
  };
  for (const [character, keys] of Object.entries(characters)) {
    assertEquals(pressed(character), keys, JSON.stringify(character));
  }
  for (let code = 0x20; code < 0x7f; code++) {
    pressed(String.fromCharCode(code));
  }
});

Deno.test("names are QEMU's, and a dash holds several together", () => {
  assertEquals(pressed("ret"), "ret");
  assertEquals(pressed("ctrl-alt-delete"), "ctrl+alt+delete");
  assertEquals(pressed("alt-f4"), "alt+f4");
  assertEquals(pressed("meta_l-kp_enter"), "meta_l+kp_enter");
});

Deno.test("a scan code is a number", () => {
  assertEquals(keysOf("shift-0x2B"), [
    { type: "qcode", data: "shift" },
    { type: "number", data: 0x2b },
  ]);
});

Deno.test("a character that no key types is refused", () => {
  for (const key of ["", "ü", "-a", "ctrl-", "a b", "漢"]) {
    assertThrows(
      () => keysOf(key),
      UsageError,
      `Expected a key such as "a", "ret" or "ctrl-alt-delete", got ${
        JSON.stringify(key)
      }`,
    );
  }
});

Deno.test("an unknown key is told with the one that was meant", () => {
  const told = (name: string) =>
    (namingKey(
      new QmpError(
        "input-send-event",
        "GenericError",
        `Parameter 'data' does not accept value '${name}'`,
      ),
    ) as Error).message;
  assertEquals(told("enter"), 'QEMU knows no key "enter"; did you mean "ret"?');
  assertEquals(told("CTRL"), 'QEMU knows no key "CTRL"; did you mean "ctrl"?');
  assertEquals(
    told("Escape"),
    'QEMU knows no key "Escape"; did you mean "esc"?',
  );
  assertEquals(told("nosuchkey"), 'QEMU knows no key "nosuchkey"');
});
