/** Names of stdout, or perhaps of it, other than where they are only tested. */
const STDOUT = /(?<!\[ -[a-z] )\/(dev\/stdout\b|fd\/[1"'$])/;
const STDERR = /(?<!\[ -[a-z] )\/(dev\/stderr\b|fd\/[2"'$])/;

/**
 * Whether a command may open its stdout by a name, as in `>/dev/stdout`. Of a
 * port, that would be the second time, which the kernel refuses; of a file, the
 * file would be cut to nothing. A pipe can be opened again.
 */
export function opensStdout(command: string): boolean {
  return STDOUT.test(command);
}

/** Whether a command may open its stderr by a name, as in `tee /dev/stderr`. */
export function opensStderr(command: string): boolean {
  return STDERR.test(command);
}
