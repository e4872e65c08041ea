import apart from "./guest/apart.sh" with { type: "text" };
import backdoor from "./guest/backdoor.sh" with { type: "text" };
import dialled from "./guest/dialled.sh" with { type: "text" };
import install from "./guest/install.sh" with { type: "text" };
import runner from "./guest/runner.sh" with { type: "text" };
import seldom from "./guest/seldom.sh" with { type: "text" };
import serve from "./guest/serve.sh" with { type: "text" };

/**
 * The text that the backdoor shell is sent once: a line that reads the text after
 * it, which reads those that follow, each into a variable, and evaluates the
 * last. A shell reads each text at once, and not byte by byte as it reads lines.
 *
 * @param token What marks the answers of this session.
 */
export function guestSide(token: string): string {
  const texts = Object.entries({
    vw_runner: bare(runner).replaceAll("\n", " "),
    vw_serve: bare(serve),
    vw_rest: bare(seldom),
    REPLY: [apart, install, backdoor].map(bare).join("\n"),
  });
  const reads = `${readsOf(texts)}eval "$REPLY"; unset REPLY`;
  return `vw_token=${token}; ${ELSEWHERE}; ${readOf("REPLY", reads)}` +
    `eval "$REPLY"\n${reads}${texts.map(([, text]) => text).join("")}`;
}

/**
 * The text that makes the shell at the other end of a connection serve the
 * connection.
 *
 * @param token As for {@linkcode guestSide}.
 * @param outlet Where commands write: to the connection, or to a pipe.
 */
export function dialledSide(token: string, outlet: "port" | "pipe"): string {
  const texts = Object.entries({
    vw_runner: bare(runner).replaceAll("\n", " "),
    vw_rest: outlet === "pipe" ? bare(seldom) : "",
    REPLY: `${bare(install)}\n${bare(dialled)}`,
  }).filter(([, text]) => text !== "");
  return `vw_token=${token} vw_outlet=${outlet}; ${
    readsOf(texts)
  }eval "$REPLY"\n` +
    texts.map(([, text]) => text).join("");
}

/** Makes a shell read the texts that follow, each into a variable. */
function readsOf(texts: [name: string, text: string][]): string {
  return texts.map(([name, text]) => readOf(name, text)).join("");
}

function readOf(name: string, { length }: string): string {
  return `IFS= read -r -N ${length} ${name}; `;
}

/**
 * What a shell that is not bash waits for, and the line that makes it a bash. It
 * may have read some of the texts before. A bash only takes the guest's side.
 */
export function sendAnew(token: string): string {
  return `\n${token}\n${BECOME_BASH}\n${guestSide(token)}`;
}

/**
 * Does nothing in a bash. Any other shell says so, skips what follows up to a line
 * with the token, and evaluates the next.
 *
 * A shell with a line editor writes each character that it reads to the console
 * by itself. QEMU drops what the host has not read in time, and some 270 such
 * writes fill its socket: so the line is short, and what follows is read without
 * the editor.
 */
const ELSEWHERE = "[ ${BASH_VERSION-} ] || { echo $vw_token posix; " +
  'while read -r REPLY && [ "$REPLY" != $vw_token ]; do :; done; ' +
  'read -r REPLY; eval "$REPLY"; }';
/**
 * Makes any other shell a bash. On a terminal, that runs a script, so that it does
 * not act as for a person. If there is none, the shell says so, skips all that
 * follows, and says it again at each line with the token.
 */
const BECOME_BASH = "[ ${BASH_VERSION-} ] || { " +
  "if command -v bash >/dev/null; then " +
  "[ ! -t 0 ] || exec bash --norc /proc/self/fd/0; exec bash --norc; fi; " +
  'echo "$vw_token nobash"; while read -r REPLY; do ' +
  '[ "$REPLY" != $vw_token ] || echo "$vw_token nobash"; done; }';

/**
 * A script without comments. It is ASCII, so that a shell counts its bytes in
 * every locale.
 */
function bare(script: string): string {
  return script.replace(/^ *#.*\n/gm, "").replace(/^ +/gm, " ").trim();
}
