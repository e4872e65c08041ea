/** The kernel's flag of a thread that exits (`PF_EXITING`). */
const EXITING = 0x4;

/**
 * Whether a process exits, or is gone. Its connections end when it begins to
 * exit, and its parent hears of the end only once its memory and its guest are
 * taken apart, which may take seconds with KVM.
 *
 * @param pid The process's number.
 */
export function isExiting(pid: number): boolean {
  let stat: string;
  try {
    stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  } catch (error) {
    // It is gone, or went during the read. Anything else tells nothing.
    return error instanceof Deno.errors.NotFound ||
      (error as { code?: string }).code === "ESRCH";
  }
  // The name before the last parenthesis may hold anything. The flags are the
  // seventh word after it: see proc_pid_stat(5).
  const flags = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[6]);
  return (flags & EXITING) !== 0;
}
