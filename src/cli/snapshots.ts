import { listKept, removeKept } from "../driver/kept_snapshots.ts";
import { UsageError } from "../errors.ts";
import { harmless } from "../scan/harmless.ts";
import type { Configuration } from "./configuration.ts";

/**
 * `vmwright snapshots`: lists the snapshots that earlier runs have kept, or
 * removes them.
 *
 * @throws {UsageError} if no kept snapshot has a name.
 */
export function snapshots({ removed }: Configuration): string {
  const kept = listKept();
  if (removed === undefined) {
    return kept.map(({ name, date, machines, size }) => {
      const when = new Date(date).toISOString().slice(0, 16).replace("T", " ");
      const mebibytes = Math.ceil(size / 2 ** 20);
      return harmless(
        `${name}  ${when}  ${mebibytes} MiB  ${machines.join(" ")}\n`,
      );
    }).join("");
  }
  for (const name of removed) {
    if (kept.some((one) => one.name === name)) continue;
    throw new UsageError(
      `Expected the name of a kept snapshot, got ${JSON.stringify(name)}`,
    );
  }
  const count = removeKept(removed);
  return `removed ${count} snapshot${count === 1 ? "" : "s"}\n`;
}
