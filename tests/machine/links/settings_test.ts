import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../mod.ts";
import {
  describeSettings,
  impairments,
} from "../../../src/machine/links/settings.ts";

const NONE = {
  delay: 0,
  jitter: 0,
  loss: 0,
  duplicate: 0,
  reorder: 0,
  corrupt: 0,
  bandwidth: Infinity,
};

Deno.test("settings of a link are for both directions, or for one", () => {
  const slow = { ...NONE, delay: 0.05 };
  assertEquals(impairments({ delay: 0.05 }), { send: slow, receive: slow });
  assertEquals(impairments({ delay: 0.05, direction: "send" }), {
    send: slow,
  });
  assertEquals(impairments({ loss: 1, direction: "receive" }), {
    receive: { ...NONE, loss: 1 },
  });
});

Deno.test("no setting takes all away", () => {
  assertEquals(impairments({}), { send: null, receive: null });
  assertEquals(impairments({ loss: 0, delay: undefined }), {
    send: null,
    receive: null,
  });
  assertEquals(impairments({ direction: "send" }), { send: null });
});

Deno.test("an invalid setting is refused, with what is valid", () => {
  const wrong: [Record<string, unknown>, string][] = [
    [{ latency: 1 }, "got latency"],
    [{ delay: -1 }, "Expected seconds, 0 or more, as the delay"],
    [{ delay: Infinity }, "Expected seconds, 0 or more, as the delay"],
    [{ jitter: NaN }, "as the jitter of a link, got NaN"],
    [{ delay: "50ms" }, 'got "50ms"'],
    [{ loss: 20 }, "Expected a fraction from 0 to 1 as the loss"],
    [{ corrupt: null }, "as the corrupt of a link, got null"],
    [{ bandwidth: 0 }, "Expected bits in a second, more than 0"],
    [{ loss: 0.1, direction: "tx" }, 'got "tx"'],
  ];
  for (const [settings, words] of wrong) {
    assertThrows(() => impairments(settings), UsageError, words);
  }
});

Deno.test("settings are described for people", () => {
  assertEquals(
    describeSettings({ delay: 0.05, loss: 0.2, direction: "send" }),
    "delay 50 ms, loss 20 %, for what it sends",
  );
  assertEquals(describeSettings({ bandwidth: 1e6 }), "bandwidth 1000000 bit/s");
  assertEquals(describeSettings({}), "nothing set");
});
