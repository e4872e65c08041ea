import type { ByteStream } from "../../src/stream/mod.ts";

/**
 * A backdoor shell on the host: the same bash and the same protocol over
 * pipes, for what needs neither a guest nor ports.
 *
 * @param before What the shell runs before it greets.
 * @param command The command line; bash by default.
 */
export function hostBash(
  before = "",
  command = ["bash", "--norc", "/dev/stdin"],
): ByteStream & AsyncDisposable {
  // All that it starts is in a session of its own, however it is grouped.
  const process = new Deno.Command("setsid", {
    args: command,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = process.stdout.getReader();
  const writer = process.stdin.getWriter();
  writer.write(
    new TextEncoder().encode(
      `${before}\necho "noise before"; echo "Spawning backdoor root shell..."\n`,
    ),
  ).catch(() => {});
  let rest = new Uint8Array(0);
  return {
    async read(buffer) {
      if (rest.length === 0) {
        const { value, done } = await reader.read();
        if (done) return null;
        rest = value;
      }
      const count = Math.min(buffer.length, rest.length);
      buffer.set(rest.subarray(0, count));
      rest = rest.slice(count);
      return count;
    },
    async write(bytes) {
      await writer.write(bytes.slice());
      return bytes.length;
    },
    close() {
      writer.close().catch(() => {});
    },
    async [Symbol.asyncDispose]() {
      await writer.close().catch(() => {});
      await process.status;
      killSession(process.pid);
      await reader.cancel();
    },
  };
}

/** Kills what a backdoor shell has left behind. */
function killSession(session: number): void {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = Deno.readTextFileSync(`/proc/${name}/stat`);
      // After the name, which may hold anything: state, parent, group, session.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (Number(fields[3]) === session) Deno.kill(Number(name), "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
}
