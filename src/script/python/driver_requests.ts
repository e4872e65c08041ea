import { type Driver, subtestsOf } from "../../driver/mod.ts";
import { readScreen } from "../../machine/mod.ts";
import type { CrossedFaults } from "./crossed_faults.ts";
import type { CrossedObjects } from "./crossed_objects.ts";
import type { CrossedErrors } from "./errors.ts";
import { factsOf } from "./machine_facts.ts";
import type { RequestHandlers, RequestTo } from "./request_handlers.ts";

/** Requests to the driver: machines, networks, snapshots and faults. */
export function driverRequests(
  driver: Driver,
  objects: CrossedObjects,
  faults: CrossedFaults,
  errors: CrossedErrors,
): RequestHandlers<
  | "startAll"
  | "joinAll"
  | "createMachine"
  | "snapshot"
  | "restoreSnapshot"
  | "endSnapshot"
  | "fork"
  | "endFork"
  | "stopVlan"
  | "healVlan"
  | "captureVlan"
  | "partition"
  | "healFault"
  | "isFaultOver"
  | "readScreen"
> {
  return {
    startAll: () => driver.startAll(),
    joinAll: () => driver.joinAll(),
    createMachine: ({ startCommand, name, keepState, fastForward }) => {
      const machine = driver.createMachine(startCommand, {
        name: name ?? undefined,
        keepState,
        fastForward,
      });
      objects.add(machine);
      return factsOf(machine, keepState);
    },

    snapshot: (request) => takeSnapshot(request, objects),
    restoreSnapshot: ({ snapshot, keepClock, ownMemory }) =>
      objects.snapshot(snapshot).restore({ keepClock, ownMemory }),
    endSnapshot: ({ snapshot }) => objects.endSnapshot(snapshot),
    fork: async ({ snapshot, keepClock, ownMemory, wait }) => {
      const fork = await objects.snapshot(snapshot).fork({
        keepClock,
        ownMemory,
        wait,
      });
      objects.addFork(fork);
      return {
        fork: fork.number,
        machines: fork.machines.map((machine) => factsOf(machine, false)),
      };
    },
    endFork: async ({ ended, error }) => {
      const fork = objects.fork(ended);
      if (fork !== undefined && error !== null) {
        await subtestsOf(driver).forkFailed(fork, errors.endFromPython(error));
      }
      await objects.endFork(ended);
    },

    stopVlan: ({ nr }) => objects.vlan(nr).stop(),
    healVlan: ({ nr }) => objects.vlan(nr).heal(),
    captureVlan: async ({ nr, name }) =>
      faults.toPython(await objects.vlan(nr).capture(name ?? undefined)),
    partition: async ({ nr, groups, oneWay }) => {
      const parts = groups.map((names) =>
        names.map((machine) => objects.able({ machine }))
      );
      const vlan = objects.vlan(nr);
      return faults.toPython(await vlan.partition(...parts, { oneWay }));
    },
    healFault: ({ fault }) => faults.get(fault).heal(),
    isFaultOver: ({ fault }) => faults.get(fault).isOver,
    readScreen: ({ path, variants }) => readScreen(path, { variants }),
  };
}

async function takeSnapshot(
  { name, machines, keep, isKept, fork }: RequestTo<"snapshot"> & {
    fork?: number;
  },
  objects: CrossedObjects,
): Promise<{ snapshot: number; machines: readonly string[] } | null> {
  const none = new Error("none is kept");
  const snapshot = await objects.owner(fork).snapshot({
    name: name ?? undefined,
    machines: machines?.map((machine) => objects.machine({ machine, fork })),
    keep,
    prepare: isKept ? () => Promise.reject(none) : undefined,
  }).catch((error) => {
    if (error !== none) throw error;
  });
  if (snapshot === undefined) return null;
  objects.addSnapshot(snapshot);
  return { snapshot: snapshot.id, machines: snapshot.machines };
}
