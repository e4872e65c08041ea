import { assertEquals } from "@std/assert";
import { guestSide } from "../../src/shell/guest.ts";
import { frameOf, programOf } from "../../src/shell/program.ts";

/** Our side of the guest: a line that reads the texts after it. */
const [, line, texts] = /^(.*)\n([^]*)$/.exec(guestSide("token"))!;

/** What a runner of the guest's side prints that is sent these frames. */
async function run(frames: (runner: number) => Uint8Array[]): Promise<string> {
  const process = new Deno.Command("bash", {
    args: [
      "--norc",
      "-c",
      'eval "$1" <<<"$2" >/dev/null 2>&1; exec 3<&0 4>&2; ' +
      '"${vw_shell[@]}" 8>&1 1<&3 3<&- & echo $!; wait $!',
      ...["bash", line, texts],
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream())
    .getReader();
  let said = "";
  const read = async () => {
    const { value, done } = await reader.read();
    said += value ?? "";
    return !done;
  };
  while (!said.includes("\n")) await read();
  const runner = parseInt(said);
  const writer = process.stdin.getWriter();
  for (const frame of frames(runner)) await writer.write(frame);
  await writer.close();
  while (await read());
  await process.status;
  return said.slice(said.indexOf("\n") + 1);
}

const program = (command: string) =>
  programOf(command, { stdout: "file", stderr: "serial", stdin: false });

Deno.test("a runner evaluates its frame, byte for byte", async () => {
  const command =
    `printf '%s|' "it's" $'a\\nb' é\necho "\${#BASH_EXECUTION_STRING}"`;
  const { length } = `set -euo pipefail; ${command}`;
  const bytes = new TextEncoder().encode(command).length - command.length;
  const said = await run((runner) => [frameOf(program(command), runner)]);
  // The locale decides whether a shell counts characters or bytes.
  assertEquals(
    [`it's|a\nb|é|${length}\n`, `it's|a\nb|é|${length + bytes}\n`]
      .includes(said),
    true,
    said,
  );
});

Deno.test("a runner skips a frame for a dead runner", async () => {
  const said = await run((runner) => [
    frameOf(program("echo another's"), runner + 1),
    frameOf(program("echo another's"), 1),
    frameOf(program("echo mine"), runner),
  ]);
  assertEquals(said, "mine\n");
});

Deno.test("the rest of a frame is not a frame", async () => {
  const said = await run((runner) => [
    frameOf(program("echo mine"), runner).subarray(5),
  ]);
  assertEquals(said, "");
});

Deno.test("what copies a named stdout has the file from its first moment, however slow it is to start", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await new Deno.Command("mkfifo", { args: [`${directory}/pipe`] }).output();
    const file = `${directory}/out`;
    const text = programOf("echo >/dev/stdout", {
      stdout: "file",
      stderr: "serial",
      stdin: false,
    });
    // The copying process stays as it was forked: its `trap` waits for the test.
    const { stdout } = await new Deno.Command("bash", {
      args: [
        "--norc",
        "-c",
        'exec 4>&2 5>&1 8>"$1" 9<>"$2"; trap() { read -r <&9; }; eval "$3"; ' +
        'for fd in /proc/[0-9]*/fd/1; do [ ! "$fd" -ef "$1" ] || ' +
        "echo found >&5; done; echo >&9",
        ...["bash", file, `${directory}/pipe`, text],
      ],
      stdout: "piped",
      stderr: "null",
    }).output();
    assertEquals(new TextDecoder().decode(stdout), "found\n");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
