/**
 * What a command does over the channel is what `bash -c` does with it.
 *
 * The same commands run twice in one guest: over the channel, and by a plain
 * `bash -c` that another shell starts, which the guest itself puts on a second
 * serial port, and which the test talks to without the channel.
 */
import { assertEquals } from "@std/assert";
import { Driver, Log } from "../../mod.ts";
import { writeAll } from "../../src/stream/mod.ts";
import { ClassicMachine } from "../bench/classic.ts";
import { guest } from "../guests/mod.ts";

/** Commands whose status and stdout must be the same. */
const COMMANDS = [
  // Exit codes
  "true",
  "false",
  "exit 0",
  "exit 7",
  "exit 255",
  "exit 256",
  "exit -1",
  "(exit 3)",
  "(exit 3); echo no",
  "(exit 3) || echo yes",
  "sh -c 'exit 9'",
  "nosuchcommand",
  "nosuchcommand || echo $?",
  "/etc/passwd || echo $?",
  "/nosuch || echo $?",
  "kill -TERM $$",
  "kill -KILL $$",
  "kill -HUP $$",
  "kill -INT $$",
  "kill -QUIT $$; echo on",
  "sh -c 'kill -9 $$'",
  "sh -c 'kill -15 $$' || echo $?",
  "exec true",
  "exec false",
  "exec sh -c 'exit 12'",
  "exec nosuchcommand",
  "! true",
  "! false",
  "return 3",
  "break",
  // Output
  "echo one",
  "echo -n one",
  "printf 'a\\nb'",
  "printf '\\0\\1\\377'",
  "printf 'a\\r\\nb\\r'",
  "printf '\\033[1mbold\\033[0m'",
  "echo ä€😀",
  "printf %s 'ä€😀' | wc -c",
  "echo out; echo err >&2",
  "echo err >&2",
  "echo a; echo b; false; echo c",
  "yes | head -n 3",
  "cat",
  "read x || echo empty",
  "wc -c",
  "[ -t 0 ] && echo terminal || echo none",
  "[ -t 1 ] && echo terminal || echo none",
  "head -c 100000 /dev/zero | cksum",
  "seq 1 3000",
  // Options
  "echo $undefined",
  "echo ${undefined-unset}",
  "false | true",
  "true | false",
  "false | true || echo pipefail",
  "set -o | grep -c on",
  "set -o | grep -E 'errexit|nounset|pipefail|monitor|posix|history'",
  "shopt",
  "set +e; false; echo on",
  "set +u; echo $undefined; echo on",
  "set +o pipefail; false | true",
  "set -x; true",
  "set -f; echo /*",
  "set -n; echo no",
  "shopt -s nullglob; echo /nosuch*",
  "shopt -s extglob; case aa in +(a)) echo extended ;; esac",
  "if false; then :; fi; echo on",
  "false || true; echo on",
  "f() { false; echo on; }; f",
  "f() { false; echo on; }; f || echo no",
  "x=$(false); echo no",
  "local x=1",
  "declare x=$(false); echo on",
  // Names and parameters
  "echo $0",
  "echo $#",
  'echo "$@"',
  "echo ${1-none}",
  "set -- a b; echo $# $2",
  "[ $$ = $BASHPID ] && echo same",
  "[ $$ = $(sh -c 'echo $PPID') ] && echo same",
  "(  [ $$ = $BASHPID ] || echo other )",
  // bash -c lets its last command take its place; the channel's shell stays.
  "readlink /proc/$$/exe; :",
  "[ \"$(cut -d' ' -f1 /proc/$$/stat)\" = $$ ] && echo same",
  "[ \"$(cut -d' ' -f1 /proc/self/stat)\" = $$ ] && echo same || echo other",
  "echo $BASH_SUBSHELL",
  "echo $SHLVL",
  "[ $SECONDS -lt 100 ] && echo new",
  "hash",
  "echo $LINENO; echo $LINENO",
  "echo $_; true x; echo $_",
  "echo ${FUNCNAME-none}",
  "echo $IFS | od -c | head -1",
  "echo $PWD; pwd",
  "echo $HOME $USER $PATH $DISPLAY",
  "echo ${PAGER+set}$PAGER",
  "echo $PS4",
  "echo ${PS1-none}",
  "echo $UID $EUID $PPID | wc -w",
  "echo $BASH",
  "echo $BASH_VERSION",
  "echo $OPTIND ${OPTARG-none}",
  "echo $RANDOM | grep -c .",
  "echo ${REPLY-none}",
  "env | sort | grep -v ^_=",
  "export -p | grep -v -e LINENO",
  "alias | wc -l",
  "declare -F | wc -l",
  "compgen -v | grep -c ^vw || true",
  "echo ${!BASH_*}",
  "echo ~",
  "cd /; pwd; cd -; pwd",
  "cd /nosuch || echo $?",
  "umask",
  "ulimit -n",
  "ulimit -c",
  // Variables, functions, arrays
  "x=1; echo $((x + 1))",
  "x=(a b c); echo ${x[1]} ${#x[@]}",
  "declare -A m=([k]=v); echo ${m[k]}",
  "f() { echo $1 $#; }; f a b",
  "x=abc; echo ${x^^} ${x:1} ${x/b/-} ${x%c}",
  "for i in 1 2 3; do echo $i; done",
  "i=0; while [ $i -lt 3 ]; do i=$((i + 1)); done; echo $i",
  "case abc in a*) echo matched ;; esac",
  "[[ abc =~ ^a(.)c$ ]]; echo ${BASH_REMATCH[1]}",
  "echo {1..5} {a,b}c",
  "echo $((16#ff)) $((2 ** 10))",
  "select x in; do :; done; echo none",
  "mapfile -t x < <(seq 3); echo ${x[*]}",
  "read -r a b <<<'one two'; echo $b",
  "cat <<END\nhere $((1 + 1))\nEND",
  "cat <<'END'\nhere $((1 + 1))\nEND",
  "cat <<END\nunfinished",
  "printf -v x %03d 7; echo $x",
  "echo 'single \"quoted\"' \"double 'quoted'\"",
  "echo a\\\nb",
  "# only a comment",
  "",
  "   ",
  "\n\n",
  ":",
  ";",
  "true;",
  "true &",
  "echo one; # comment",
  // Syntax errors
  "echo 'unclosed",
  'echo "unclosed',
  "echo $(unclosed",
  "echo `unclosed",
  "if true",
  "if true; then echo x",
  "for x in",
  "}",
  ")",
  "&&",
  "echo a && ",
  "case x in",
  "echo before\necho 'unclosed",
  "echo before; )",
  "x=(",
  "f() {",
  // Traps and signals
  "trap 'echo bye' EXIT",
  "trap 'echo bye' EXIT; exit 4",
  "trap 'echo bye' EXIT; false",
  "trap 'echo bye' EXIT; exec true",
  "trap 'echo caught' ERR; false",
  "trap 'echo caught' TERM; kill -TERM $$; echo on",
  "trap 'echo caught; exit 5' TERM; kill -TERM $$; echo no",
  "trap '' TERM; kill -TERM $$; echo on",
  "trap",
  "trap 'echo bye' EXIT; (trap)",
  "trap 'echo debug' DEBUG; true",
  "kill -l 15",
  "sh -c 'trap \"\" INT; kill -INT $$; echo on'",
  "trap -p INT QUIT HUP TERM PIPE CHLD",
  "cat /proc/self/status | grep -E '^Sig(Ign|Blk|Cgt)'",
  // Jobs
  "true & wait $!; echo $?",
  "(exit 3) & wait $! || echo $?",
  "sleep 0.01 & wait; echo done",
  "jobs",
  "sleep 1000 & jobs | wc -l; kill $!",
  "fg || echo $?",
  "coproc cat; echo x >&${COPROC[1]}; read -r y <&${COPROC[0]}; echo $y",
  "ls /proc/self/fd | wc -l",
  "for fd in /proc/$$/fd/*; do [ ${fd##*/} = 255 ] || echo ${fd##*/}; done",
  "(ulimit -t 1; true)",
  "echo x | tee /dev/null | cat",
  "exec 3>/tmp/three; echo x >&3; cat /tmp/three",
  "exec >/dev/null; echo unseen",
  "exec >&-; echo unseen",
  "exec 1>&2; echo unseen",
  "echo seen; exec >/tmp/elsewhere; echo unseen",
  "source /dev/stdin <<<'echo sourced $0'",
  "eval 'echo evaluated'; eval 'exit 6'",
  "eval 'echo \"unclosed'",
  "bash -c 'echo $0 $$' | wc -w",
  "bash -c 'exit 8'",
  "sh <<<'echo fed'",
  "command -v bash",
  "type -t cd",
  "hash -r; echo $?",
  "history",
  "enable | wc -l",
  "times | wc -l",
  "getopts ab x -a; echo $x",
  "test -e / && echo there",
  "[ 1 -eq 1 ] && [[ a == a ]] && echo both",
  "time true",
  "nice true",
  "dd if=/dev/zero bs=1000 count=3 2>/dev/null | wc -c",
  "find /proc/self -maxdepth 0",
  "sort <<<$'b\\na'",
  "sed s/a/b/ <<<a",
  "grep x <<<a",
  "grep x <<<a || echo $?",
  "echo a | grep -q a && echo found",
  "timeout 1 true",
  "timeout 0.01 sleep 5",
  "setsid true",
  "stty 2>/dev/null || echo none",
  "tty || echo $?",
  "bash -i -c 'echo interactive' 2>/dev/null",
  "bash -i <<<'echo interactive' 2>/dev/null",
  "busybox ash -i -c 'echo interactive' 2>/dev/null | tail -n 1",
  "bash -c 'read -t 5 x </dev/tty || echo $?'",
  "stty -F /dev/tty echo 2>/dev/null || echo none",
  "echo x >/dev/full",
  "echo x >/nosuch/file",
  "cat /nosuch",
  "test",
  "exit abc",
];

/** Commands that a time limit ends. */
const ENDLESS = [
  "sleep 1000",
  "while :; do :; done",
  "sleep 1000 || echo no",
  "sleep 1000 & wait",
  "trap 'exit 3' TERM; sleep 1000 & wait",
];

Deno.test("commands behave as bash -c has them", async (t) => {
  const { startScriptFor } = await guest("tiny");
  const place = await Deno.makeTempDir();
  const path = `${place}/console`;
  using listener = Deno.listen({ transport: "unix", path });
  const startScript = startScriptFor("tiny", {
    kernelParameters: ["vmwright.shell=/dev/ttyS1"],
  });
  await using driver = await Driver.create({
    machines: [{
      name: "tiny",
      startCommand:
        `exec ${startScript} -chardev socket,id=plain,path=${path} ` +
        "-device isa-serial,index=1,chardev=plain",
    }],
    outDir: place,
    log: new Log([]),
  });
  const [machine] = driver.machines;
  await machine.start();
  using stream = await listener.accept();
  const plain = new ClassicMachine(stream);
  await plain.connect();
  // The shell reads what it is to do from elsewhere, and so its commands have
  // an empty stdin.
  await writeAll(stream, new TextEncoder().encode("exec </dev/null\n"));

  const differing: string[] = [];
  const compare = async (command: string, timeout: number | null) => {
    const expected = await plain.execute(command, timeout);
    const actual = await machine.execute(command, {
      timeout: timeout ?? 30,
    });
    if (String(actual) === String(expected)) return;
    differing.push(
      `${JSON.stringify(command)}: expected ${JSON.stringify(expected)}, ` +
        `got ${JSON.stringify(actual)}`,
    );
  };
  for (const command of COMMANDS) await compare(command, null);
  for (const command of ENDLESS) await compare(command, 1);
  await Deno.remove(place, { recursive: true });
  await t.step(`in ${COMMANDS.length + ENDLESS.length} cases`, () => {
    assertEquals(differing, []);
  });
});
