import type { QmpClient } from "../../qmp/mod.ts";
import { version as ownVersion } from "../../version.ts";
import { hostProcessor, type Identity } from "../identity.ts";

/** Paths that differ between QEMUs of the same machine. */
export interface Places {
  /** The process of the start command. */
  readonly pid: number;
  /** These paths, by the words that replace them in comparisons. */
  readonly paths: Readonly<Record<string, string>>;
}

/**
 * Gets the identity of a running QEMU.
 *
 * @param qmp Its monitor.
 * @param places Its process, and its own paths on its command line.
 */
export async function identityOf(
  qmp: QmpClient,
  { pid, paths }: Places,
): Promise<Identity> {
  const [version, memory, cpus, kvm] = await Promise.all([
    qmp.send("query-version"),
    qmp.send("query-memory-size-summary"),
    qmp.send("query-cpus-fast"),
    qmp.send("query-kvm"),
  ]) as [
    { qemu: Record<"major" | "minor" | "micro", number>; package: string },
    { "base-memory": number },
    unknown[],
    { enabled: boolean },
  ];
  const { major, minor, micro } = version.qemu;
  return {
    "version of vmwright": ownVersion,
    "version of QEMU": `${major}.${minor}.${micro} ${version.package}`.trim(),
    accelerator: kvm.enabled ? "kvm" : "tcg",
    // A guest on KVM may use whatever the host's processor has.
    ...kvm.enabled ? { "processor of the host": hostProcessor() } : {},
    memory: `${memory["base-memory"]} bytes`,
    "number of CPUs": String(cpus.length),
    "command line": commandLine(pid, paths),
  };
}

/** QEMU's arguments, without its own paths. */
function commandLine(
  pid: number,
  paths: Readonly<Record<string, string>>,
): string {
  const words = argumentsOf(pid);
  const at = words.indexOf("-incoming");
  if (at >= 0) words.splice(at, words[at + 2] === "-mem-path" ? 4 : 2);
  // The longest paths come first, because some are below others.
  const places = Object.entries(paths).filter(([, path]) => path !== "")
    .sort(([, a], [, b]) => b.length - a.length);
  return words.map((word) =>
    // The driver's own sockets may lie anywhere.
    places.reduce(
      (text, [name, path]) =>
        text.replaceAll(path.replaceAll(",", ",,"), `<${name}>`)
          .replaceAll(path, `<${name}>`),
      word.replace(/^(socket,id=vw-[^,]*),path=.*/, "$1"),
    )
  ).join("\0");
}

/**
 * The arguments of the process that has the driver's arguments, among a process
 * and its children.
 */
function argumentsOf(pid: number): string[] {
  const words = Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0");
  if (words.some((word) => /^socket,id=vw-qmp,/.test(word))) {
    // A shell that got them and waits is not QEMU.
    const children = childrenOf(pid).map((child) => {
      try {
        return argumentsOf(child);
      } catch {
        return [];
      }
    });
    return children.find((words) => words.length > 0) ?? words;
  }
  for (const child of childrenOf(pid)) {
    try {
      const found = argumentsOf(child);
      if (found.length > 0) return found;
    } catch {
      // The process has ended.
    }
  }
  return [];
}

function childrenOf(pid: number): number[] {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`)
      .split(" ").filter((text) => text !== "").map(Number);
  } catch {
    return [];
  }
}
