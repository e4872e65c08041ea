/**
 * Reads the words of a process' command line. For a shell with one child, it
 * reads those of the child, which is the program that the shell was started
 * for.
 *
 * @param pid The process.
 * @returns The words, as far as they may be read.
 */
export function commandLineOf(pid: number): string[] | undefined {
  try {
    const words = Deno.readTextFileSync(`/proc/${pid}/cmdline`)
      .replace(/\0$/, "").split("\0");
    if (!/(^|\/)(ba|da)?sh$/.test(words[0])) return words;
    const children = Deno.readTextFileSync(
      `/proc/${pid}/task/${pid}/children`,
    ).trim().split(" ");
    return children.length === 1 && children[0] !== ""
      ? commandLineOf(Number(children[0]))
      : words;
  } catch {
    return undefined;
  }
}
