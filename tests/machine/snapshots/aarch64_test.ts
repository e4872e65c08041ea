import { assertEquals } from "@std/assert";
import { aarch64 } from "../../../src/machine/snapshots/aarch64.ts";
import {
  type Call,
  TOLD,
} from "../../../src/machine/snapshots/machine_code.ts";
import { ArmProcessor } from "./arm_processor.ts";

const START = 0x10080, DATA = 0x10800, STACK = 0x18000, FILE = 0x18100;
const ANSWER = TOLD + 0x800;
/** The kernel's calls, by their numbers, and how many arguments they have. */
const CALLS: Record<number, [name: string, args: number]> = {
  29: ["ioctl", 3],
  35: ["unlinkat", 3],
  40: ["mount", 5],
  56: ["openat", 4],
  57: ["close", 1],
  59: ["pipe2", 2],
  63: ["read", 3],
  64: ["write", 3],
  112: ["clock_settime", 2],
  113: ["clock_gettime", 2],
  157: ["setsid", 0],
};

/**
 * Runs an attendant that is told these orders, piece by piece.
 *
 * @param results What the kernel answers to calls, by their names; else 0.
 * @returns The calls that it makes, but for those of `close`, and what it closes.
 */
function attended(
  told: Uint8Array[],
  results: Record<string, number[]> = {},
): { calls: string[]; closed: number[] } {
  const calls: string[] = [], closed: number[] = [];
  const pieces = [...told];
  const processor = new ArmProcessor(
    (number, all) => {
      const [name, count] = CALLS[number];
      const args = all.slice(0, count);
      if (name === "close") {
        closed.push(args[0]);
        return 0;
      }
      const shown: (number | string)[] = args.map((arg) => arg | 0);
      if (name === "read") {
        const piece = pieces.shift() ?? new Uint8Array();
        processor.write(piece, args[1]);
        calls.push(`read(${shown})`);
        return piece.length;
      }
      if (name === "unlinkat") shown[1] = processor.text(args[1]);
      if (name === "write") {
        const [, from, length] = args;
        shown[1] = JSON.stringify(processor.text(from).slice(0, length));
      }
      calls.push(`${name}(${shown})`);
      return results[name]?.shift() ?? 0;
    },
    aarch64.attendant(DATA),
    START,
  );
  processor.memory[DATA + 8] = 0x0a;
  // The count of the arguments, and the first.
  processor.write(new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0, 0, 0x81, 1]), STACK);
  processor.write(new TextEncoder().encode("/run/file"), FILE);
  processor.registers[31] = STACK;
  processor.run(START);
  return { calls, closed };
}

/** Orders as an attendant reads them, with their length before them. */
function ordersOf(calls: Call[], last: Call[] = []): Uint8Array {
  const code = aarch64.orders(calls, ANSWER, [
    { name: "write", args: [6, ANSWER, 2] },
    ...last,
  ]);
  const bytes = new Uint8Array(4 + code.length);
  new DataView(bytes.buffer).setUint32(0, bytes.length, true);
  bytes.set(code, 4);
  return bytes;
}

Deno.test("an attendant on aarch64 leaves what it was given, and waits", () => {
  const { calls, closed } = attended([]);
  assertEquals(calls, [
    "setsid()",
    `pipe2(${DATA},0)`,
    `pipe2(${DATA},0)`,
    "unlinkat(-100,/run/file,0)",
    'write(1,"\\n",1)',
    `read(3,${TOLD},${0x4000})`,
  ]);
  const from = (first: number, last: number) =>
    Array.from({ length: first - last + 1 }, (_, at) => first - at);
  assertEquals(closed, [...from(255, 3), ...from(2, 0)]);
});

Deno.test("an attendant on aarch64 carries orders out, and tells what has failed", async (t) => {
  const orders = ordersOf([
    { name: "openat", args: [-100, 0x11223344, 1, 0], keeps: true },
    { name: "ioctl", args: ["kept", 0x40085203, 0x12345678], notes: 1 },
    { name: "clock_gettime", args: [0, 5] },
    { name: "clock_settime", args: [0, 5], notes: 2 },
    { name: "mount", args: [1, 2, 3, 4, 5], notes: 4 },
  ]);
  const said = (results: Record<string, number[]>) =>
    attended([orders], results).calls.slice(6, -1);

  await t.step("nothing has", () => {
    assertEquals(said({ openat: [7] }), [
      `openat(-100,${0x11223344},1,0)`,
      `ioctl(7,${0x40085203},${0x12345678})`,
      "clock_gettime(0,5)",
      "clock_settime(0,5)",
      "mount(1,2,3,4,5)",
      'write(6,"0\\n",2)',
    ]);
  });

  await t.step("each of them has", () => {
    const answers = ["ioctl", "clock_settime", "mount"].map((name) =>
      said({ [name]: [-22] }).at(-1)
    );
    assertEquals(answers, [
      'write(6,"1\\n",2)',
      'write(6,"2\\n",2)',
      'write(6,"4\\n",2)',
    ]);
    const all = said({ ioctl: [-1], clock_settime: [-1], mount: [-1] });
    assertEquals(all.at(-1), 'write(6,"7\\n",2)');
  });
});

Deno.test("an attendant on aarch64 that stays takes orders that come in pieces", () => {
  const orders = ordersOf([{ name: "clock_settime", args: [0, 5] }]);
  const next = ordersOf([{ name: "clock_gettime", args: [0, 5] }]);
  const pieces = [orders.slice(0, 25), orders.slice(25), next];
  assertEquals(attended(pieces).calls.slice(5), [
    `read(3,${TOLD},${0x4000})`,
    `read(3,${TOLD + 25},${0x4000 - 25})`,
    "clock_settime(0,5)",
    'write(6,"0\\n",2)',
    `read(3,${TOLD},${0x4000})`,
    "clock_gettime(0,5)",
    'write(6,"0\\n",2)',
    `read(3,${TOLD},${0x4000})`,
  ]);
});

Deno.test("an attendant on aarch64 that does not stay ends with its orders", () => {
  const orders = ordersOf([], [{ name: "exit", args: [0] }]);
  assertEquals(attended([orders]).calls.at(-1), 'write(6,"0\\n",2)');
});
