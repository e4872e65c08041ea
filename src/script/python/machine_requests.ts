import { coreOf, type QemuMachine } from "../../machine/mod.ts";
import { TestFailure } from "../../errors.ts";
import type { CrossedConditions } from "./crossed_conditions.ts";
import type { CrossedFaults } from "./crossed_faults.ts";
import type { CrossedObjects } from "./crossed_objects.ts";
import { doors } from "./doors.ts";
import { FACTS, type MachineRequest, METHODS } from "./messages.ts";
import {
  oneOf,
  type RequestHandlers,
  type RequestTo,
} from "./request_handlers.ts";

/**
 * A translated pattern: a regular expression of JavaScript that messages show
 * as Python's.
 */
interface TranslatedPattern {
  source: string;
  flags: string;
  text: string;
}

/** Requests to machines, except those for text of their consoles. */
export function machineRequests(
  objects: CrossedObjects,
  faults: CrossedFaults,
  conditions: CrossedConditions,
  signal: AbortSignal,
): RequestHandlers<Exclude<MachineRequest["do"], "consoleLine">> {
  return {
    call: async (request) => {
      const machine = objects.machine(request);
      const name = oneOf(METHODS, request.method);
      const method = (machine as QemuMachine)[name] as (
        ...args: unknown[]
      ) => unknown;
      return faults.toPython(
        await method.apply(machine, request.args.map(revivePattern)),
      );
    },
    get: (request) =>
      objects.machine(request)[oneOf(FACTS, request.fact)] ?? null,
    setStateDir: (request) => {
      const machine = objects.machine(request);
      machine.stateDir = request.path;
      return machine.stateDir;
    },
    setStartCommand: (request) => {
      objects.machine(request).startCommand = request.command;
    },
    exitStatus: (request) => objects.machine(request).exitStatus(request.pid),

    efiVarsPath: (request) => objects.able(request).efiVarsPath,
    efiCreate: (request) => objects.able(request).createEfiVars(),
    efiDump: (request) => objects.able(request).dumpEfiVars(),
    efiRead: async (request) =>
      (await objects.able(request).readEfiVars())?.map(
        ({ guid, name, data, attributes = 0, timestamp }) => ({
          guid,
          name,
          data: data.toHex(),
          attributes,
          timestamp: timestamp?.toHex() ?? "",
        }),
      ),
    efiWrite: (request) =>
      objects.able(request).writeEfiVars(
        request.variables.map((one) => ({
          ...one,
          data: Uint8Array.fromHex(one.data),
          timestamp: Uint8Array.fromHex(one.timestamp),
        })),
      ),

    door: (request) =>
      objects.doorsOf(request).path(oneOf(doors, request.door)),
    link: async (request) => {
      const vlan = objects.vlan(request.vlan, request.fork);
      const link = objects.able(request).link(vlan);
      return faults.toPython(await link[request.act](request.options));
    },
    disk: async (request) => {
      const disk = objects.able(request).disk(request.disk ?? undefined);
      return faults.toPython(await disk[request.act](request.options));
    },

    qmpReady: (request) => objects.eventsOf(request).ready,
    qmpSend: (request) =>
      objects.able(request).qmpClient.send(request.command, request.args),
    qmpNext: async (request) =>
      await objects.eventsOf(request).next(request.timeout ?? undefined) ??
        null,
    consoleLineNext: (request) =>
      nextLine(request, objects, conditions, signal),
  };
}

/**
 * The next line of the console, for patterns that only Python can match; `null`
 * if the time passes first.
 */
async function nextLine(
  request: RequestTo<"consoleLineNext">,
  objects: CrossedObjects,
  conditions: CrossedConditions,
  signal: AbortSignal,
): Promise<string | null> {
  const { console } = coreOf(objects.machine(request));
  const { keep, timeout } = request;
  const end = performance.now() + (timeout ?? Infinity) * 1000;
  while (true) {
    const left = (end - performance.now()) / 1000;
    try {
      const { groups } = await console.waitFor(/([^\n]*)\n/, {
        timeout: Math.min(0.5, Math.max(0, left)),
        keep,
        signal,
      });
      return groups?.[1] ?? "";
    } catch (error) {
      if (!(error instanceof TestFailure)) throw error;
      if (left <= 0) return null;
    }
    await conditions.demand();
  }
}

/**
 * Makes a regular expression of a translated pattern, which messages show as
 * Python's.
 */
function revivePattern(value: unknown): unknown {
  if (!isPattern(value)) return value;
  const { source, flags, text } = value;
  const regexp = new RegExp(source, flags);
  regexp.toString = () => text;
  return regexp;
}

function isPattern(value: unknown): value is TranslatedPattern {
  return typeof value === "object" && value !== null && "source" in value;
}
