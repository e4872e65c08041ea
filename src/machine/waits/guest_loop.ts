/**
 * Microseconds between two looks of a wait, at first and at last. A look costs
 * only a builtin or two of a running shell, but it wakes the guest.
 */
const FIRST_PAUSE = 20_000;
const LONGEST_PAUSE = 80_000;
/**
 * How much longer each pause is than the one before, as a fraction. A wait may
 * end late by this fraction.
 */
const LATE = 100;

/**
 * Opens a pipe on which nothing ever arrives. A process substitution would need
 * /dev/fd, which the guest need not have.
 */
const OWN_PIPE = "{ shopt -s lastpipe; : | exec {vw_idle}<>/proc/self/fd/0; }";

/**
 * The beginning of a loop with pauses. If stdout is a port, nothing ever
 * arrives on it, and the loop waits on that instead of the pipe.
 */
export const READY_TO_PAUSE = `[ -c /proc/self/fd/1 ] || ${OWN_PIPE}`;

/** Sets the pause of a loop to its first value. */
export const FIRST_OF_PAUSES = `vw_pause=${FIRST_PAUSE}`;

/**
 * Makes a loop's pause longer: the longer a wait has taken, the less a late end
 * matters.
 */
export const LONGER_PAUSE =
  `(( vw_pause >= ${LONGEST_PAUSE} || (vw_pause += vw_pause / ${LATE}) ))`;

/**
 * Pauses a running shell, without a process and without ever failing. A port
 * ends if the host has left the guest alone.
 */
export function pause(seconds: number | string): string {
  return `read -r -t ${seconds} -u \${vw_idle-1} _ || ` +
    `[ $? -gt 128 ] || ${OWN_PIPE}`;
}

/** A loop in the guest that ends when `condition` holds, and prints nothing. */
export function untilHolds(condition: string): string {
  return `${READY_TO_PAUSE}; ${FIRST_OF_PAUSES}; ` +
    `until ${condition}; do ${pause("0.0$vw_pause")}; ${LONGER_PAUSE}; done ` +
    "2>/dev/null";
}

/**
 * A loop in the guest that never ends by itself. It prints the output of
 * `produce` whenever that has changed, with a NUL after it.
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
