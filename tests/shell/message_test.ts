import { assertEquals, assertLess } from "@std/assert";
import {
  type Message,
  parseCode,
  parseMessage,
} from "../../src/shell/message.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

const MESSAGES: Record<string, Message> = {
  "up 5.2.15(1)-release": { verb: "up" },
  "posix": { verb: "posix" },
  "nobash": { verb: "nobash" },
  "found": { verb: "found" },
  "shell 7 vw0123": { verb: "shell", question: "7", isNew: false },
  "shell 7 new": { verb: "shell", question: "7", isNew: true },
  "port vw.3 0p4": { verb: "port", name: "vw.3", device: "0p4" },
  "open vw.3 12": { verb: "open", name: "vw.3", mark: "12" },
  "alive vw.3 served 99": { verb: "alive", name: "vw.3" },
  "alive vw.3 137 99": {
    verb: "alive",
    name: "vw.3",
    death: { process: "99", status: 137 },
  },
  "alive vw.3 served 99 12": { verb: "alive", name: "vw.3", mark: "12" },
  "alive vw.3 137 99 12": {
    verb: "alive",
    name: "vw.3",
    mark: "12",
    death: { process: "99", status: 137 },
  },
  "lost vw.3 5         ": { verb: "lost", name: "vw.3", status: 5 },
  "lost vw.3 ": { verb: "lost", name: "vw.3", status: undefined },
  "still vw.err.0": { verb: "still", name: "vw.err.0" },
  "holder vw.3 99 a  long name": {
    verb: "holder",
    held: "vw.3",
    process: "99",
    program: "a  long name",
  },
  "data c1 1 AGE=": {
    verb: "output",
    job: "c1",
    stream: "stdout",
    bytes: bytes("\0a"),
  },
  "text c1 2 0 a\\ b\\ ": {
    verb: "output",
    job: "c1",
    stream: "stderr",
    bytes: bytes("a b "),
  },
  "text c1 1 1 $'a \\303\\274'": {
    verb: "output",
    job: "c1",
    stream: "stdout",
    bytes: bytes("a ü\0"),
  },
  "taken c1": { verb: "taken", job: "c1" },
  "ended c1": { verb: "ended", job: "c1" },
  "more c1 42": { verb: "more", job: "c1", process: "42" },
  "done c1 255": { verb: "done", job: "c1", status: 255 },
  "done c1 0 12 ": {
    verb: "done",
    job: "c1",
    status: 0,
    sent: { stdout: 12, stderr: 0 },
  },
  "done c1 0 12 3": {
    verb: "done",
    job: "c1",
    status: 0,
    sent: { stdout: 12, stderr: 3 },
  },
  "done c1 killed": { verb: "done", job: "c1" },
};

for (const [text, message] of Object.entries(MESSAGES)) {
  Deno.test(`the guest says ${JSON.stringify(text)}`, () => {
    assertEquals(parseMessage(text), message);
    // After the token, and at the end of a terminal's line.
    assertEquals(parseMessage(` ${text}\r`), message);
  });
}

Deno.test("other lines are not messages", () => {
  for (
    const text of [
      "",
      "sudo reboot",
      "constructor x",
      "shell 7",
      'shell 7 ${vw_token:-new}"',
      "port vw.3",
      "open vw.3",
      "alive vw.3",
      "alive vw.3 dead 99",
      "lost",
      "still",
      "holder vw.3 99",
      "data c1 1",
      "data c1 3 AGE=",
      "data c1 1 A*E=",
      "text c1 1 0",
      "text c1 x 0 a",
      "taken",
      "ended",
      "done c1",
      "done c1 -1",
      "done c1 1e3",
      "more c1",
      "more c1 x",
    ]
  ) assertEquals(parseMessage(text), undefined, text);
});

Deno.test("a line of any bytes takes no time", () => {
  const began = performance.now();
  const program = `a${"\r".repeat(300_000)}b`;
  assertEquals(parseMessage(`holder c1 42 ${program}\r\r`), {
    verb: "holder",
    held: "c1",
    process: "42",
    program,
  });
  assertLess(performance.now() - began, 10_000);
});

Deno.test("the codes of a port are read: a waiting runner, a copying process, the end of stderr, and a status", () => {
  assertEquals(parseCode("rdy0000041"), { is: "ready", runner: 41 });
  assertEquals(parseCode("rst0000077"), { is: "rest", relay: 77 });
  assertEquals(parseCode("end       "), { is: "end" });
  assertEquals(parseCode("137       "), { is: "status", status: 137 });
  for (
    const code of ["", "rdy", "rdyx", "rst", "ends", "-1", "1.5", "0x1", " 1"]
  ) {
    assertEquals(parseCode(code), undefined, code);
  }
});
