import { GREETING } from "../../shell/console_link.ts";
import { shellQuote } from "../../shell/mod.ts";

/** What a command in a container sees as its environment, the profile's aside. */
const PROFILE = `
[ ! -e /etc/profile ] || . /etc/profile
export PATH USER=root HOME=/root DISPLAY=:0.0`;

/** The container's half of the command channel. */
export const SHELL = `${PROFILE}
command -v bash >/dev/null || exit
echo ${shellQuote(GREETING)}
exec bash --norc --noprofile`;

/** Says what the container's journal says, from its boot on. */
export const JOURNAL = `${PROFILE}
exec journalctl --boot --follow --lines=all --no-pager --output=short-monotonic`;

/**
 * The command line that runs a script by the `/bin/sh` of a container, with
 * nothing of the host's environment, and ends when the script does.
 *
 * In the container the script is a child of the first process, which waits for
 * all others when it shuts the container down, and hears of the end of its own
 * children only. So the host is told of that end by a pipe: only who waits for
 * the script holds it.
 *
 * @param leader The container's first process, by its number on the host.
 */
export function inContainer(leader: number, script: string): string {
  const waited = `exec 4<&0
{ (${script}
) <&4 >&3 3>&- 4<&-
:
} &`;
  // No user namespace: there, an unprivileged container would have no root.
  return `exec 3>&1
: "$(env -i "$(command -v nsenter)" --target ${leader} \
  --mount --uts --ipc --net --pid --cgroup /bin/sh -c ${shellQuote(waited)})"`;
}
