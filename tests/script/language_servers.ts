/** The numbers of the language servers that a process has started. */
export function languageServers(parent: number): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name))
    .filter((pid) =>
      isLanguageServer(pid) &&
      Number(/^PPid:\s+(\d+)$/m.exec(read(pid, "status"))?.[1]) === parent
    );
}

/** Whether a number is that of a language server that lives. */
export function isLanguageServer(pid: number): boolean {
  return read(pid, "cmdline").split("\0")[1] === "lsp";
}

function read(pid: number, what: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/${what}`);
  } catch {
    // It has ended.
    return "";
  }
}
