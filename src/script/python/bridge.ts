import { noteTraceback } from "../traceback.ts";
import { type BackendName, ownDirectory } from "../../backend/mod.ts";
import type {
  Driver,
  Fork,
  MachineOf,
  PollingCondition,
  Snapshot,
  Vlan,
} from "../../driver/mod.ts";
import {
  coreOf,
  gives,
  type QemuMachine,
  readScreen,
} from "../../machine/mod.ts";
import { ConditionFailure, TestFailure, UsageError } from "../../errors.ts";
import { harmless } from "../../scan/mod.ts";
import { Doors, doors } from "./doors.ts";
import { CrossedFaults } from "./crossed_faults.ts";
import type { CrossedErrors } from "./errors.ts";
import {
  type BridgeRequest,
  type ConditionRequest,
  FACTS,
  METHODS,
} from "./messages.ts";
import { QmpEvents } from "./qmp_events.ts";
import type { StateLinks } from "./state_links.ts";

/** The requests to do one of some things. */
type Of<Name extends BridgeRequest["do"]> = Extract<
  BridgeRequest,
  { do: Name }
>;

const LEVELS = ["debug", "info", "warning", "error"] as const;

/** Lets Python check a condition. */
export type Check = (condition: number) => Promise<unknown>;

/** The facts about a machine that Python gets once. */
interface MachineFacts {
  name: string;
  stateDir: string;
  sharedDir: string;
  outDir: string;
  startCommand: string;
  backend: BackendName;
  keepState: boolean;
}

/**
 * A translated pattern: a regular expression of JavaScript that messages show
 * as Python's.
 */
interface TranslatedPattern {
  source: string;
  flags: string;
  text: string;
}

/** Handles the requests of Python to the driver. */
export class Bridge implements Disposable {
  readonly #driver: Driver;
  readonly #errors: CrossedErrors;
  readonly #faults = new CrossedFaults();
  readonly #links: StateLinks;
  readonly #directory: string;
  readonly #check: Check;
  readonly #machines = new Map<string, MachineOf>();
  readonly #events = new Map<MachineOf, QmpEvents>();
  readonly #doors = new Map<MachineOf, Doors>();
  readonly #snapshots = new Map<number, Snapshot>();
  readonly #forks = new Map<number, Fork>();
  readonly #conditions = new Map<number, PollingCondition>();
  /** The values of environment variables before the script has changed them. */
  readonly #environment = new Map<string, string | undefined>();
  readonly #listening: Disposable;
  /** The conditions that are entered now, as often as they were entered. */
  readonly #kept: PollingCondition[] = [];

  /**
   * Takes the driver, the errors that Python knows, the links to the machines'
   * directories, a directory for sockets, and the way to conditions.
   */
  constructor(
    driver: Driver,
    errors: CrossedErrors,
    links: StateLinks,
    directory: string,
    check: Check,
  ) {
    this.#driver = driver;
    this.#errors = errors;
    this.#links = links;
    this.#directory = directory;
    this.#check = check;
    for (const machine of driver.machines) this.#add(machine);
    this.#listening = driver.log.addListener({
      on: (event) => {
        // An event of a machine may mean a new QMP session.
        if (event.type !== "message" || event.machine === undefined) return;
        const machine = this.#machines.get(event.machine);
        if (machine !== undefined) this.#events.get(machine)?.listen();
      },
    });
  }

  /** The facts that Python gets at its start. */
  facts(): Record<string, unknown> {
    const { machines, vlans, vhostVsock, outDir, globalTimeout, keepState } =
      this.#driver;
    return {
      keepState,
      machines: machines.map((machine) => factsOf(machine, keepState)),
      vlans: vlans.map(({ nr, socketDir, pid, plugPid = null }) => ({
        nr,
        socketDir,
        pid,
        plugPid,
      })),
      vsocks: Object.fromEntries(
        [...vhostVsock].map(([name, { guest, host }]) => [
          name,
          { guest, host },
        ]),
      ),
      outDir,
      globalTimeout: globalTimeout ?? null,
    };
  }

  /** Handles a request. */
  async handle(request: BridgeRequest): Promise<unknown> {
    const { log } = this.#driver;
    switch (request.do) {
      case "call":
        return await this.#call(request);
      case "get":
        return this.#machine(request)[oneOf(FACTS, request.fact)] ?? null;
      case "setStateDir": {
        const machine = this.#machine(request);
        machine.stateDir = request.path;
        return machine.stateDir;
      }
      case "setStartCommand":
        this.#machine(request).startCommand = request.command;
        return;
      case "exitStatus":
        return this.#machine(request).exitStatus(request.pid);
      case "efiVarsPath":
        return this.#able(request).efiVarsPath;
      case "efiCreate":
        return await this.#able(request).createEfiVars();
      case "efiDump":
        return await this.#able(request).dumpEfiVars();
      case "efiRead":
        return (await this.#able(request).readEfiVars())?.map(
          ({ guid, name, data, attributes = 0, timestamp }) => ({
            guid,
            name,
            data: data.toHex(),
            attributes,
            timestamp: timestamp?.toHex() ?? "",
          }),
        );
      case "efiWrite":
        return await this.#able(request).writeEfiVars(
          request.variables.map((one) => ({
            ...one,
            data: Uint8Array.fromHex(one.data),
            timestamp: Uint8Array.fromHex(one.timestamp),
          })),
        );
      case "door":
        return this.#doorsOf(request).path(oneOf(doors, request.door));
      case "log":
        return this.#log(request);
      case "consoleLine":
        for (const line of harmless(request.text).split("\n")) {
          log.consoleLine(request.machine, line);
        }
        return;
      case "begin":
        return log.begin(
          request.text,
          request.attributes,
          undefined,
          request.role ?? undefined,
        ).id;
      case "beginSubtest":
        return log.beginSubtest(request.name).id;
      case "end": {
        const { ended: id, error: report, subtest } = request;
        await this.#driver.healSubtest(id);
        if (report === null) return log.end({ id });
        const error = this.#errors.fromPython(report);
        let goesOn = false;
        if (subtest !== undefined) {
          const { name, keepGoing, traceback } = subtest;
          goesOn = await this.#driver.goesOn(
            { name, error },
            keepGoing ?? undefined,
          );
          // If the script does not go on, its own traceback says more.
          if (goesOn) noteTraceback(error, traceback);
        }
        log.end({ id }, error);
        return goesOn;
      }
      case "serialStdout":
        return request.on
          ? this.#driver.serialStdoutOn()
          : this.#driver.serialStdoutOff();
      case "logLevel":
        return log.setLogLevel(oneOf(LEVELS, request.level));
      case "startAll":
        return await this.#driver.startAll();
      case "joinAll":
        return await this.#driver.joinAll();
      case "createMachine":
        return this.#createMachine(request);
      case "snapshot":
        return await this.#snapshot(request);
      case "restoreSnapshot":
        return await this.#snapshotOf(request).restore({
          keepClock: request.keepClock,
          ownMemory: request.ownMemory,
        });
      case "endSnapshot":
        await this.#snapshotOf(request)[Symbol.asyncDispose]();
        this.#snapshots.delete(request.snapshot);
        return;
      case "fork":
        return await this.#fork(request);
      case "endFork":
        return await this.#endFork(request.ended);
      case "stopVlan":
        return await this.#vlan(request.nr).stop();
      case "healVlan":
        return await this.#vlan(request.nr).heal();
      case "captureVlan":
        return this.#faults.toPython(
          await this.#vlan(request.nr).capture(request.name ?? undefined),
        );
      case "partition": {
        const groups = request.groups.map((names) =>
          names.map((machine) => this.#able({ machine }))
        );
        const { oneWay } = request;
        return this.#faults.toPython(
          await this.#vlan(request.nr).partition(...groups, { oneWay }),
        );
      }
      case "link": {
        const vlan = this.#vlan(request.vlan, request.fork);
        const link = this.#able(request).link(vlan);
        return this.#faults.toPython(await link[request.act](request.options));
      }
      case "disk": {
        const disk = this.#able(request).disk(request.disk ?? undefined);
        return this.#faults.toPython(await disk[request.act](request.options));
      }
      case "healFault":
        return await this.#faults.get(request.fault).heal();
      case "isFaultOver":
        return this.#faults.get(request.fault).isOver;
      case "readScreen":
        return await readScreen(request.path, { variants: request.variants });
      case "conditionEnter":
        this.#kept.push(this.#condition(request).enter());
        return;
      case "conditionExit": {
        const at = this.#kept.lastIndexOf(this.#condition(request));
        if (at >= 0) this.#kept.splice(at, 1)[0].exit();
        return;
      }
      case "conditionWait": {
        const { timeout } = request;
        return await this.#condition(request).wait({ timeout });
      }
      case "qmpReady":
        return this.#eventsOf(request).ready;
      case "qmpSend":
        return await this.#able(request).qmpClient.send(
          request.command,
          request.args,
        );
      case "qmpNext":
        return await this.#eventsOf(request).next(
          request.timeout ?? undefined,
        ) ?? null;
      case "consoleLineNext":
        return await this.#nextLine(request);
      default:
        throw unknown((request as { do: unknown }).do);
    }
  }

  /**
   * Applies variables that the script has set to the driver's environment: for
   * the script, it is one process with the driver, and means its start scripts
   * and programs.
   */
  setEnvironment(changes: Record<string, string | null>): void {
    for (const [name, value] of Object.entries(changes)) {
      if (!this.#environment.has(name)) {
        this.#environment.set(name, Deno.env.get(name));
      }
      setVariable(name, value ?? undefined);
    }
  }

  /** Looks up an object that it has given to Python. */
  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
    for (const condition of this.#kept) condition.exit();
    for (const [name, value] of this.#environment) setVariable(name, value);
    for (const doors of this.#doors.values()) doors[Symbol.dispose]();
    this.#doors.clear();
    for (const events of this.#events.values()) events[Symbol.dispose]();
    this.#events.clear();
    this.#machines.clear();
  }

  #add(machine: MachineOf): void {
    this.#machines.set(machine.name, machine);
    // Scripts may put files there before the machine starts.
    ownDirectory(machine.stateDir);
    this.#links.add(machine);
    this.#listen(machine);
  }

  #listen(machine: MachineOf): void {
    if (!gives(machine, "qmp")) return;
    this.#events.set(machine, new QmpEvents(machine as MachineOf<"qemu">));
  }

  /** A network by its number: that of a fork, if its machine is asked. */
  #vlan(nr: number, fork?: number): Vlan {
    const { vlans } = fork === undefined
      ? this.#driver
      : this.#forks.get(fork)!;
    const vlan = vlans.find((vlan) => vlan.nr === nr);
    if (vlan !== undefined) return vlan;
    throw new TypeError(`Python asked for VLAN ${nr}`);
  }

  #machine(request: { machine: string; fork?: number }): MachineOf {
    const { fork } = request;
    const machine = fork === undefined
      ? this.#machines.get(request.machine)
      : this.#forks.get(fork)?.machines.find(({ name }) =>
        name === request.machine
      );
    if (machine !== undefined) return machine;
    throw new TypeError(`Python asked for machine ${request.machine}`);
  }

  /** The machine of a request that not every machine can fulfil: it says so. */
  #able(request: { machine: string; fork?: number }): MachineOf<"qemu"> {
    return this.#machine(request) as MachineOf<"qemu">;
  }

  #eventsOf(request: { machine: string; fork?: number }): QmpEvents {
    return this.#events.get(this.#machine(request))!;
  }

  #doorsOf(request: { machine: string; fork?: number }): Doors {
    const machine = this.#able(request);
    let found = this.#doors.get(machine);
    if (found === undefined) {
      found = new Doors(machine, this.#driver.log, {
        directory: this.#directory,
        number: this.#doors.size,
      });
      this.#doors.set(machine, found);
    }
    return found;
  }

  async #call(request: Of<"call">): Promise<unknown> {
    const machine = this.#machine(request);
    const method = (machine as QemuMachine)[oneOf(METHODS, request.method)] as (
      ...args: unknown[]
    ) => unknown;
    return this.#faults.toPython(
      await method.apply(machine, request.args.map(revivePattern)),
    );
  }

  #log({ level, text, attributes }: Of<"log">): void {
    const { log } = this.#driver;
    if (level === null) log.log(text, attributes);
    else log[oneOf(LEVELS, level)](text, attributes);
  }

  #createMachine(request: Of<"createMachine">): MachineFacts {
    const { startCommand, name, keepState, fastForward } = request;
    const machine = this.#driver.createMachine(startCommand, {
      name: name ?? undefined,
      keepState,
      fastForward,
    });
    this.#add(machine);
    return factsOf(machine, keepState);
  }

  async #snapshot(
    { name, machines, keep, isKept, fork }: Of<"snapshot"> & { fork?: number },
  ): Promise<unknown> {
    const none = new Error("none is kept");
    const from = fork === undefined ? this.#driver : this.#forks.get(fork)!;
    const snapshot = await from.snapshot({
      name: name ?? undefined,
      machines: machines?.map((machine) => this.#machine({ machine, fork })),
      keep,
      prepare: isKept ? () => Promise.reject(none) : undefined,
    }).catch((error) => {
      if (error !== none) throw error;
    });
    if (snapshot === undefined) return null;
    this.#snapshots.set(snapshot.id, snapshot);
    return { snapshot: snapshot.id, machines: snapshot.machines };
  }

  #snapshotOf({ snapshot }: { snapshot: number }): Snapshot {
    const found = this.#snapshots.get(snapshot);
    if (found !== undefined) return found;
    throw new UsageError("Expected a snapshot that has not been disposed of");
  }

  async #fork(request: Of<"fork">): Promise<unknown> {
    const { keepClock, ownMemory, wait } = request;
    const fork = await this.#snapshotOf(request).fork({
      keepClock,
      ownMemory,
      wait,
    });
    this.#forks.set(fork.number, fork);
    for (const machine of fork.machines) this.#listen(machine);
    return {
      fork: fork.number,
      machines: fork.machines.map((machine) => factsOf(machine, false)),
    };
  }

  async #endFork(number: number): Promise<void> {
    const fork = this.#forks.get(number);
    if (fork === undefined) return;
    this.#forks.delete(number);
    for (const machine of fork.machines) {
      this.#doors.get(machine)?.[Symbol.dispose]();
      this.#doors.delete(machine);
      this.#events.get(machine)?.[Symbol.dispose]();
      this.#events.delete(machine);
    }
    await fork[Symbol.asyncDispose]();
  }

  #condition(request: ConditionRequest): PollingCondition {
    const { condition: number, interval, description } = request;
    let condition = this.#conditions.get(number);
    if (condition === undefined) {
      condition = this.#driver.pollingCondition(() => this.#check(number), {
        interval,
        description,
      });
      this.#conditions.set(number, condition);
    }
    return condition;
  }

  /**
   * The next line of the console, for patterns that only Python can match;
   * `null` if the time passes first.
   */
  async #nextLine(request: Of<"consoleLineNext">): Promise<string | null> {
    const machine = this.#machine(request);
    const { keep, timeout } = request;
    const end = performance.now() + (timeout ?? Infinity) * 1000;
    while (true) {
      const left = (end - performance.now()) / 1000;
      try {
        const { groups } = await coreOf(machine).console.waitFor(/([^\n]*)\n/, {
          timeout: Math.min(0.5, Math.max(0, left)),
          keep,
          signal: this.#driver.signal,
        });
        return groups?.[1] ?? "";
      } catch (error) {
        if (!(error instanceof TestFailure)) throw error;
        if (left <= 0) return null;
      }
      for (const condition of this.#kept) {
        if (!condition.due || await condition.holds()) continue;
        throw new ConditionFailure(condition.description);
      }
    }
  }
}

function factsOf(machine: MachineOf, keepState: boolean): MachineFacts {
  const { name, stateDir, sharedDir, outDir, startCommand, backend } = machine;
  return {
    name,
    stateDir,
    sharedDir,
    outDir,
    startCommand,
    backend,
    keepState,
  };
}

function setVariable(name: string, value: string | undefined): void {
  if (value === undefined) Deno.env.delete(name);
  else Deno.env.set(name, value);
}

function oneOf<T extends string>(names: readonly T[], name: unknown): T {
  if ((names as readonly unknown[]).includes(name)) return name as T;
  throw unknown(name);
}

function unknown(name: unknown): TypeError {
  return new TypeError(`Python asked for ${name}, unknown here`);
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
