import { assertEquals } from "@std/assert";
import { tellListeners } from "../../../src/machine/waits/ports.ts";

/** A line of `/proc/net/tcp` or `tcp6`; `0A` is the state of who listens. */
function line(address: string, port: number, state = "0A"): string {
  const local = `${address}:${
    port.toString(16).toUpperCase().padStart(4, "0")
  }`;
  return `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000`;
}

const ANY = "00000000";
const ANY_6 = "0".repeat(32);
const LOOPBACK = "0100007F";
const LOOPBACK_6 = "00000000000000000000000001000000";
const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue";

Deno.test("a sentence lists the listening ports", () => {
  const tell = (...lines: string[]) =>
    tellListeners(80, "localhost", [HEAD, ...lines].join("\n"));
  assertEquals(
    tell(),
    "nothing listens on port 80 of localhost; no other port is open",
  );
  assertEquals(
    tell(
      line(LOOPBACK, 631),
      line(ANY, 443),
      line(ANY, 22),
      line(ANY_6, 22),
      line(LOOPBACK, 9000, "01"),
    ),
    "nothing listens on port 80 of localhost; " +
      "other open ports: 22, 443, 631 (127.0.0.1)",
  );
  assertEquals(
    tell(line("0F02000A", 80)),
    "nothing listens on port 80 of localhost, though on port 80 of 10.0.2.15; " +
      "no other port is open",
  );
  for (const address of [ANY, ANY_6, LOOPBACK, LOOPBACK_6]) {
    assertEquals(
      tell(line(address, 80), line("B80D0120000000000000000001000000", 8080)),
      "a process listens on port 80 of localhost; " +
        "other open ports: 8080 (2001:db8::1)",
    );
  }
});

Deno.test("lines that no kernel writes are left out", () => {
  const odd = ["A", "00", "0".repeat(16), "0".repeat(40)];
  assertEquals(
    tellListeners(80, "localhost", odd.map((one) => line(one, 80)).join("\n")),
    "nothing listens on port 80 of localhost; no other port is open",
  );
});

Deno.test("a sentence tells that a process listens elsewhere, or takes nothing", () => {
  const tell = (addr: string, address: string, said?: string) =>
    tellListeners(80, addr, `${HEAD}\n${line(address, 80)}`, said)
      .replace("; no other port is open", "");
  const elsewhere = (addr: string, other: string) =>
    `nothing listens on port 80 of ${addr}, though on port 80 of ${other}`;
  assertEquals(
    tell("localhost", "0200007F"),
    elsewhere("localhost", "127.0.0.2"),
  );
  assertEquals(tell("127.0.0.1", LOOPBACK_6), elsewhere("127.0.0.1", "::1"));
  assertEquals(tell("::1", LOOPBACK), elsewhere("::1", "127.0.0.1"));
  assertEquals(tell("::1", ANY), elsewhere("::1", "0.0.0.0"));
  const here = "a process listens on port 80 of 127.0.0.1";
  assertEquals(tell("127.0.0.1", ANY_6), here);
  assertEquals(
    tell("127.0.0.1", ANY, "bash: connect: Network is unreachable"),
    `${here}, but connecting to port 80 of 127.0.0.1 fails: Network is unreachable`,
  );
  assertEquals(
    tell("127.0.0.1", LOOPBACK, ""),
    `${here}, but nothing answers at port 80 of 127.0.0.1 within 1 s`,
  );
});
