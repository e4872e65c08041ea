import apart from "./guest/apart.sh" with { type: "text" };
import backdoor from "./guest/backdoor.sh" with { type: "text" };
import dialled from "./guest/dialled.sh" with { type: "text" };
import install from "./guest/install.sh" with { type: "text" };
import runner from "./guest/runner.sh" with { type: "text" };
import seldom from "./guest/seldom.sh" with { type: "text" };
import serve from "./guest/serve.sh" with { type: "text" };

/**
 * The text that the backdoor shell is sent once: a line that reads the texts
 * after it, each into a variable, and evaluates the last. It reads each text at
 * once, and not byte by byte as it reads lines.
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
  return `vw_token=${token}; ${ELSEWHERE} || ${NO_BASH}; ${
    readsOf(texts)
  }eval "$REPLY"; unset REPLY\n` +
    texts.map(([, text]) => text).join("");
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
  return texts.map(([name, { length }]) =>
    `IFS= read -r -N ${length} ${name}; `
  ).join("");
}

/**
 * The line at which a shell that is not bash stops skipping lines. It may have
 * read some of them before.
 */
export function sendAnew(token: string): string {
  return `\n${token} go\n${guestSide(token)}`;
}

/**
 * Does nothing in a bash. Any other shell says so, waits for the host's answer,
 * and becomes a bash. On a terminal, that bash runs a script, so that it does
 * not act as for a person.
 */
const ELSEWHERE = `[ -n "\${BASH_VERSION-}" ] || { ` +
  `command -v bash >/dev/null && { echo "$vw_token posix"; ` +
  `until read -r vw_line && [ "$vw_line" = "$vw_token go" ]; do :; done; ` +
  `if [ -t 0 ]; then exec bash --norc /proc/self/fd/0; fi; exec bash --norc; }; }`;
/** Says that there is no bash, and skips all that follows. */
const NO_BASH =
  `{ echo "$vw_token nobash"; while read -r vw_line; do :; done; }`;

/**
 * A script without comments. It is ASCII, so that a shell counts its bytes in
 * every locale.
 */
function bare(script: string): string {
  return script.replace(/^ *#.*\n/gm, "").replace(/^ +/gm, " ").trim();
}
