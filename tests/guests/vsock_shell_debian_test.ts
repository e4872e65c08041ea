/** The examples' side of a microVM's guest, as a service of systemd. */
import { assertEquals } from "@std/assert";
import { booted } from "../machine/booted.ts";

const EXAMPLES = new URL("../../examples/microvm/", import.meta.url).pathname;

/**
 * Makes the guest connect to its own virtual socket, and asks the shell there.
 */
const ASK = `
socket my $shell, 40, 1, 0 or die "no virtual socket: $!";
connect $shell, pack("S S L L x4", 40, 0, 1234, 1) or die "connect: $!";
$shell->autoflush(1);
print $shell "echo \\$((6 * 7)) \\$HOME; exit\\n";
print while <$shell>;
`;

Deno.test("vsock-shell.service listens, and gives each connection a shell", async () => {
  await using test = await booted({ guest: "debian" });
  const { machine, outDir } = test;
  await machine.copyFromHost(
    `${EXAMPLES}vsock-shell`,
    "/usr/local/sbin/vsock-shell",
  );
  await machine.copyFromHost(
    `${EXAMPLES}vsock-shell.service`,
    "/etc/systemd/system/vsock-shell.service",
  );
  await Deno.writeTextFile(`${outDir}/ask.pl`, `use IO::Handle;\n${ASK}`);
  await machine.copyFromHost(`${outDir}/ask.pl`, "/tmp/ask.pl");
  await machine.succeed(
    "chmod 755 /usr/local/sbin/vsock-shell; modprobe vsock_loopback",
    "systemctl daemon-reload; systemctl start vsock-shell",
  );
  await machine.waitForUnit("vsock-shell");
  for (let times = 0; times < 2; times++) {
    assertEquals(
      await machine.waitUntilSucceeds("perl /tmp/ask.pl", { timeout: 300 }),
      "42 /root\n",
    );
  }
});
