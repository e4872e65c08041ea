/** Text that may name stdout as a file, but not in a mere test. */
const STDOUT = /(?<!\[ -[a-z] )\/(dev\/stdout\b|fd\/[1"'$])/;
const STDERR = /(?<!\[ -[a-z] )\/(dev\/stderr\b|fd\/[2"'$])/;

/**
 * Whether a command may open its stdout by a name, as in `>/dev/stdout`. The
 * kernel refuses to open a port twice, and to open a file so would empty it. A
 * pipe can be opened again.
 */
export function opensStdout(command: string): boolean {
  return STDOUT.test(command);
}

/** Whether a command may open its stderr by a name, as in `tee /dev/stderr`. */
export function opensStderr(command: string): boolean {
  return STDERR.test(command);
}
