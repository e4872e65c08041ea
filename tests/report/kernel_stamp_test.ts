import { assertEquals } from "@std/assert";
import { stampOf, stampText } from "../../src/report/kernel_stamp.ts";

Deno.test("the time that a kernel puts before a line can be put there again", () => {
  for (
    const [before, time] of [
      ["[    0.000000] ", 0],
      ["[    1.234567] ", 1_234_567],
      ["[12345.000001] ", 12_345_000_001],
      ["[123456789.999999] ", 123_456_789_999_999],
    ] as const
  ) {
    const { length } = before;
    assertEquals(stampOf(`${before}systemd[1]: hello`), { time, length });
    assertEquals(stampText(time), before);
  }
});

Deno.test("a time in any other form stays a part of its line", () => {
  for (
    const line of [
      ...["", "[", "hello", "[    ", "[    1", "[    1.", "[    1.234567"],
      ...["[    1.234567]", "[    1.234567]no space", "[    1.23456] short"],
      ...[
        "[    1.2345678] long",
        "[   1.234567] narrow",
        "[     1.234567] wide",
      ],
      ...["[00001.234567] zeros", "[    x.234567] no number", "[.234567] none"],
      ...["[1234567890.234567] too many digits", "[    1,234567] comma"],
      ...[" [    1.234567] later", "[    1.23456x] letter", "[    ١.234567] "],
    ]
  ) assertEquals(stampOf(line), undefined, line);
});
