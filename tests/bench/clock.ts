import { cpuUsage } from "node:process";

/** Milliseconds that `fn` takes. */
export async function timed(fn: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await fn();
  return performance.now() - began;
}

/** Milliseconds of processor time that this process has used. */
export function ownCpu(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1000;
}

/** Milliseconds of processor time that a process has used, with its threads. */
export function cpuOf(pid: number): number {
  let nanoseconds = 0;
  for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
    const path = `/proc/${pid}/task/${name}/schedstat`;
    nanoseconds += Number(Deno.readTextFileSync(path).split(" ")[0]);
  }
  return nanoseconds / 1e6;
}

/** Milliseconds of processor time of processes that ended as our children. */
export function childrenCpu(): number {
  const stat = Deno.readTextFileSync("/proc/self/stat");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // In hundredths of a second.
  return (Number(fields[13]) + Number(fields[14])) * 10;
}

/** MiB of memory that a process has had at most; `0` where it is gone. */
export function peakMemory(pid: number | "self"): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

/** Lets time pass, for measurements of a period. */
export function pass(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
