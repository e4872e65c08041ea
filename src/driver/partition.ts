import { UsageError } from "../errors.ts";
import {
  barLink,
  type Fault,
  type Faults,
  type Network,
} from "../machine/mod.ts";
import type { LinkedMachine } from "./kinds.ts";

/** What `partition()` of a VLAN takes. */
export interface PartitionOptions {
  /**
   * Whether only the frames of the first group are dropped: it hears the
   * others, and they don't hear it. By default, no group hears another.
   */
  oneWay?: boolean;
}

/** Machines that hear each other in a partition. */
export type PartitionGroup = readonly LinkedMachine[];

/**
 * Partitions a VLAN.
 *
 * @throws {UsageError} if there are fewer than two groups, or if a machine is
 * in two.
 */
export async function partition(
  vlan: Network,
  faults: Faults,
  groups: readonly PartitionGroup[],
  { oneWay = false }: PartitionOptions,
): Promise<Fault> {
  const isRight = groups.length >= 2 &&
    groups.every((group) => Array.isArray(group) && group.length > 0);
  if (!isRight) {
    throw new UsageError(
      "Expected two groups of machines or more for a partition, each of them " +
        "an array with a machine in it",
    );
  }
  const all = groups.flat();
  const twice = all.find((machine, at) => all.indexOf(machine) !== at);
  if (twice !== undefined) {
    throw new UsageError(
      `Expected machines in one group of a partition each, got ${twice.name} twice`,
    );
  }
  const names = groups.map((group) => group.map(({ name }) => name));
  const ends: (() => Promise<void>)[] = [];
  const fault = faults.begin({
    text: `VLAN ${vlan.nr}: partition of ${
      names.map((group) => group.join(", ")).join(oneWay ? " ↛ " : " | ")
    }`,
    undo: async () => {
      await Promise.all(ends.map((end) => end()));
    },
  });
  // This includes machines that hear all: their frames tell their addresses.
  const barring = groups.flatMap((group, at) => {
    const unheard = oneWay
      ? at === 0 ? [] : names[0]
      : names.flatMap((others, other) => other === at ? [] : others);
    return group.map(async (machine) =>
      void ends.push(await barLink(machine.link(vlan), new Set(unheard)))
    );
  });
  const failed = (await Promise.allSettled(barring))
    .find((result) => result.status === "rejected");
  if (failed !== undefined) {
    await fault.heal();
    throw failed.reason;
  }
  return fault;
}
