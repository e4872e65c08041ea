/**
 * Microseconds between two looks of a wait at first, and at last. A look is a
 * builtin or two of a shell that runs already, but it wakes the guest.
 */
const FIRST_PAUSE = 20_000;
const LONGEST_PAUSE = 80_000;
/** The part of a pause that the next one is longer: so a wait is as much late. */
const LATE = 100;

/**
 * Opens a pipe of the shell's own, on which nothing ever arrives. A process
 * substitution would take a /dev/fd, which the guest need not have.
 */
const OWN_PIPE = "{ shopt -s lastpipe; : | exec {vw_idle}<>/proc/self/fd/0; }";

/**
 * What a loop begins with that pauses: nothing ever arrives on the port that
 * stdout is, either; it may be none.
 */
export const READY_TO_PAUSE = `[ -c /proc/self/fd/1 ] || ${OWN_PIPE}`;

/** Sets the pause of a loop to what it is at first. */
export const FIRST_OF_PAUSES = `vw_pause=${FIRST_PAUSE}`;

/**
 * Makes a loop's pause longer: the longer a wait has taken, the less it matters
 * how late it ends.
 */
export const LONGER_PAUSE =
  `(( vw_pause >= ${LONGEST_PAUSE} || (vw_pause += vw_pause / ${LATE}) ))`;

/**
 * A pause of a running shell, without a process, and never a failure. A port
 * ends where the host has gone and left the guest to itself.
 */
export function pause(seconds: number | string): string {
  return `read -r -t ${seconds} -u \${vw_idle-1} _ || ` +
    `[ $? -gt 128 ] || ${OWN_PIPE}`;
}

/** A loop in the guest that ends when `condition` holds, and says nothing. */
export function untilHolds(condition: string): string {
  return `${READY_TO_PAUSE}; ${FIRST_OF_PAUSES}; ` +
    `until ${condition}; do ${pause("0.0$vw_pause")}; ${LONGER_PAUSE}; done ` +
    "2>/dev/null";
}

/**
 * A loop in the guest that never ends by itself: writes what `produce` prints
 * whenever it changed, each time with a NUL after it.
 *
 * @param produce A command.
 * @param seconds Between two looks.
 */
export function reportChanges(produce: string, seconds: number): string {
  return [
    READY_TO_PAUSE,
    "vw_old=; vw_first=1",
    "while :; do",
    `vw_new=$(${produce}) || :`,
    'if [ -n "$vw_first" ] || [ "$vw_new" != "$vw_old" ]; then',
    `vw_first=; vw_old=$vw_new; printf '%s\\0' "$vw_new"`,
    "fi",
    pause(seconds),
    "done",
  ].join("\n");
}
