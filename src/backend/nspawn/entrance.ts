import { GREETING } from "../../shell/console_link.ts";
import { shellQuote } from "../../shell/mod.ts";
import type { GuestTerminalOptions } from "../backend.ts";

/** The environment of commands in a container, beside that of the profile. */
const PROFILE = `
[ ! -e /etc/profile ] || . /etc/profile
export PATH USER=root HOME=/root DISPLAY=:0.0`;

/** The container's half of the command channel. */
export const SHELL = `${PROFILE}
command -v bash >/dev/null || exit
echo ${shellQuote(GREETING)}
exec bash --norc --noprofile`;

/** Prints the container's journal, from its boot on. */
export const JOURNAL = `${PROFILE}
exec journalctl --boot --follow --lines=all --no-pager --output=short-monotonic`;

/**
 * The path of `script` on the host, for {@linkcode terminalShell}: a container
 * without one may see the host's store.
 */
export const HOST_SCRIPT =
  'HOST_SCRIPT="$(readlink -f "$(command -v script)")"';

/**
 * The container's half of a terminal. `script` makes a terminal of the
 * container's own, with a shell on it. Its stderr begins with the terminal's
 * device and the process that holds it, or with a sentence that tells why there
 * is none.
 */
export function terminalShell(
  { rows, columns, term }: GuestTerminalOptions,
): string {
  const shell = `
echo "$(tty) $PPID" >&5
exec 5>&-
# Where script has no terminal itself, it takes the echo away.
stty sane rows ${rows} cols ${columns}
for term in ${shellQuote(term)} xterm-256color xterm linux vt100; do
  for place in /etc /lib /usr/lib /usr/share /run/current-system/sw/share; do
    [ -e "$place/terminfo/$(printf %.1s "$term")/$term" ] && break 2
  done
done
cd
TERM=$term exec bash -i`;
  return `${PROFILE}
exec 5>&2
SHELL="$(command -v bash)" && export SHELL ||
  { echo "the container has no bash" >&5; exit; }
for script in "$(command -v script)" "$HOST_SCRIPT"; do
  [ ! -x "$script" ] ||
    exec "$script" --quiet --command ${shellQuote(shell)} /dev/null 2>&1
done
echo "the container has no script, which makes terminals" >&5`;
}

/**
 * The command line that runs a script with the `/bin/sh` of a container,
 * without the host's environment, and that ends when the script does.
 *
 * In the container the script is a child of the first process. When that shuts
 * the container down, it waits for all other processes, and it sees the end of
 * its own children only. So the host learns of the script's end by a pipe,
 * which only the process that waits for the script holds.
 *
 * @param leader The container's first process, by its number on the host.
 * @param given Variables for the script, as words of the host's shell.
 */
export function inContainer(
  leader: number,
  script: string,
  given = "",
): string {
  const waited = `exec 4<&0
{ (${script}
) <&4 >&3 3>&- 4<&-
:
} &`;
  // This enters no user namespace: in it, an unprivileged container would have
  // no root.
  return `exec 3>&1
: "$(env -i ${given} "$(command -v nsenter)" --target ${leader} \
  --mount --uts --ipc --net --pid --cgroup /bin/sh -c ${shellQuote(waited)})"`;
}
