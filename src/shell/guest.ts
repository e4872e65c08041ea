import backdoor from "./guest/backdoor.sh" with { type: "text" };
import runner from "./guest/runner.sh" with { type: "text" };
import seldom from "./guest/seldom.sh" with { type: "text" };
import serve from "./guest/serve.sh" with { type: "text" };

/**
 * What the backdoor shell is sent once, as it reads it: a line that takes the
 * texts that follow it, each into a variable, and evaluates the last. It takes
 * a text with one read, where it would take each byte of a line by itself.
 *
 * @param token What marks the answers of this session.
 */
export function guestSide(token: string): string {
  const texts = Object.entries({
    vw_runner: bare(runner).replaceAll("\n", " "),
    vw_serve: bare(serve),
    vw_rest: bare(seldom),
    REPLY: bare(backdoor),
  });
  const reads = texts.map(([name, { length }]) =>
    `IFS= read -r -N ${length} ${name}; `
  );
  return `vw_token=${token}; ${reads.join("")}eval "$REPLY"; unset REPLY\n` +
    texts.map(([, text]) => text).join("");
}

/**
 * A script without what only people read. It is ASCII, so that a shell counts
 * its bytes in every locale.
 */
function bare(script: string): string {
  return script.replace(/^ *#.*\n/gm, "").replace(/^ +/gm, " ").trim();
}
