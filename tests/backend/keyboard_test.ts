/** How fast keys are sent to a guest that is slow to read them. */
import { assertEquals } from "@std/assert";
import { QemuKeyboard } from "../../src/backend/qemu/keyboard.ts";
import type { GuestKey } from "../../src/backend/mod.ts";
import type { QmpClient } from "../../src/qmp/mod.ts";

/** The status of the PC's keyboard controller, without keys and with some. */
const READ = "0x1c", UNREAD = "0x1d";

const key = (data: string): GuestKey => ({ type: "qcode", data });

/**
 * Presses two keys of a guest.
 *
 * @param look Called at each look at the controller. Returns its status, and the
 * seconds that the answer takes.
 * @returns How often it has looked before each key.
 */
async function looksOf(
  look: (nr: number) => [status: string, seconds: number],
): Promise<number[]> {
  const { now } = performance;
  let ahead = 0;
  performance.now = () => now.call(performance) + ahead;
  let looks = 0;
  const counts: number[] = [];
  const send = (
    command: string,
    { events, "command-line": line }: {
      events?: { data: { down: boolean } }[];
      "command-line"?: string;
    },
  ) => {
    if (events?.[0].data.down) {
      counts.push(looks);
      looks = 0;
    }
    if (command !== "human-monitor-command" || line === "info qtree") {
      return Promise.resolve("");
    }
    const [status, seconds] = look(++looks);
    ahead += seconds * 1000;
    return Promise.resolve(`portb[0x0064] = ${status}`);
  };
  try {
    const qmp = { send } as unknown as QmpClient;
    const signal = new AbortController().signal;
    await new QemuKeyboard(qmp, "web").press(
      [[key("a")], [key("b")]],
      0,
      signal,
    );
  } finally {
    performance.now = now;
  }
  return counts;
}

Deno.test("a key waits until the guest has read the one before", async () => {
  const looks = await looksOf((nr) => [nr < 3 ? UNREAD : READ, 0]);
  assertEquals(looks, [3, 3]);
});

Deno.test("a guest that reads no keys in a second is waited for once", async () => {
  const [first, second] = await looksOf(() => [UNREAD, 0.04]);
  assertEquals([first > 1, second], [true, 0]);
});

Deno.test("a guest whose QEMU stood still for a while has its time to read", async () => {
  const looks = await looksOf((nr) => nr < 3 ? [UNREAD, 10] : [READ, 0]);
  assertEquals(looks, [3, 3]);
});

Deno.test("keys are released also where QEMU's answers are read late", async () => {
  const sent: string[] = [];
  const answer = Promise.withResolvers<void>();
  const send = (
    command: string,
    { events }: { events?: { data: { down: boolean; key: GuestKey } }[] },
  ) => {
    if (command !== "input-send-event") return Promise.resolve("");
    for (const { data: { down, key } } of events!) {
      sent.push(`${down ? "+" : "-"}${key.data}`);
    }
    return answer.promise;
  };
  const qmp = { send } as unknown as QmpClient;
  const { signal } = new AbortController();
  const strokes = [[key("shift"), key("a")], [key("b")]];
  const pressing = new QemuKeyboard(qmp, "web").press(strokes, 0, signal);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(sent, ["+shift", "+a", "-a", "-shift"]);
  answer.resolve();
  await pressing;
  assertEquals(sent.slice(4), ["+b", "-b"]);
});
