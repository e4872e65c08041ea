/** Since Linux 4.17, in the line about the processor and the process. */
const LOADED = / Comm: .* Kdump: loaded /;
/** The first line of a kernel that boots. */
const BANNER = /^(?:\[ *0\.0+\](?:\[ *[CT]\d+\])? )?Linux version /m;

/** What becomes of a crash kernel, to which a kernel that panics hands over. */
export type CrashKernel =
  /** There is none. */
  | "none"
  /** The kernel that panicked has loaded one. */
  | "loaded"
  /** It boots. */
  | "boots";

/**
 * Tells what a console says of a crash kernel.
 *
 * @param text The console's text from the line of the panic on.
 */
export function crashKernel(text: string): CrashKernel {
  const banner = text.search(BANNER);
  const own = banner < 0 ? text : text.slice(0, banner);
  if (!LOADED.test(own)) return "none";
  return banner < 0 ? "loaded" : "boots";
}
