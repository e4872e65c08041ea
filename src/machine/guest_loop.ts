/**
 * Seconds between two looks of a wait. A look is a builtin or two of a shell
 * that runs already, so that this costs less than one process a second.
 */
export const LOOK_INTERVAL = 0.02;

/**
 * A pause of a running shell, without a process: nothing ever arrives on the
 * port that stdout is. Where stdout is no port, the first pause is spent on a
 * pipe of the shell's own, which does for the others.
 */
export function pause(seconds: number): string {
  return `read -r -t ${seconds} -u \${vw_idle-1} _ 2>/dev/null || ` +
    "[ $? -gt 128 ] || exec {vw_idle}<> <(:)";
}

/** A loop in the guest that ends when `condition` holds. */
export function untilHolds(condition: string, seconds: number): string {
  return `until ${condition}; do ${pause(seconds)}; done`;
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
