import { version } from "../version.ts";
import type { RunEvents } from "./event.ts";

/** Where a run takes place, by what, and how it was asked for. */
export type RunAbout = NonNullable<RunEvents["runBegan"]["about"]>;

/** The facts about the run of this process. */
export function aboutThisRun(): RunAbout {
  const { os, arch } = Deno.build;
  return {
    versions: { vmwright: version, deno: Deno.version.deno },
    host: known(() => Deno.hostname()),
    system: `${os} ${arch}`,
    processors: navigator.hardwareConcurrency,
    memory: known(() => Deno.systemMemoryInfo().total),
    commandLine: [mainModule(), ...Deno.args],
    directory: known(() => Deno.cwd()) ?? "",
  };
}

function mainModule(): string {
  const url = Deno.mainModule;
  return url.startsWith("file:")
    ? decodeURIComponent(new URL(url).pathname)
    : url;
}

/** A fact that is missing, or may not be read, is unknown. */
function known<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}
