import type { Driver, PollingCondition } from "../../driver/mod.ts";
import type { BaseMachine, Machine } from "../../machine/mod.ts";
import {
  type Attributes,
  type LogLevel,
  TestFailure,
} from "../../report/mod.ts";
import { harmless } from "../../scan/mod.ts";
import type { Message } from "./channel.ts";
import type { CrossedErrors, ExceptionReport } from "./errors.ts";
import { QmpEvents } from "./qmp_events.ts";
import type { StateLinks } from "./state_links.ts";

/** The methods of machines that Python calls by name. */
const METHODS = [
  "block",
  "connect",
  "consoleInteract",
  "copyFromHost",
  "copyFromHostViaShell",
  "copyFromMachine",
  "crash",
  "disconnect",
  "dumpTtyContents",
  "execute",
  "fail",
  "forwardPort",
  "getConsoleLog",
  "getScreenText",
  "getScreenTextVariants",
  "getTtyText",
  "getUnitInfo",
  "getUnitProperty",
  "getWindowNames",
  "isUp",
  "reboot",
  "release",
  "requireUnitState",
  "screenshot",
  "sendChars",
  "sendConsole",
  "sendKey",
  "sendMonitorCommand",
  "shellInteract",
  "shutdown",
  "sleep",
  "sshBackdoorCommand",
  "start",
  "startJob",
  "stopJob",
  "succeed",
  "switchRoot",
  "systemctl",
  "unblock",
  "waitForClosedPort",
  "waitForConsoleText",
  "waitForFile",
  "waitForOpenPort",
  "waitForOpenUnixSocket",
  "waitForShutdown",
  "waitForText",
  "waitForUnit",
  "waitForWindow",
  "waitForX",
  "waitUntilFails",
  "waitUntilSucceeds",
  "waitUntilTtyMatches",
] as const satisfies readonly (keyof BaseMachine)[];

/** The facts of machines that may be different each time. */
const FACTS = ["booted", "connected", "pid"] as const satisfies readonly (
  keyof BaseMachine
)[];

const LEVELS: readonly LogLevel[] = ["debug", "info", "warning", "error"];

/** Has Python check a condition. */
export type Check = (condition: number) => Promise<unknown>;

/** What Python is told of a machine once. */
interface MachineFacts {
  name: string;
  stateDir: string;
  sharedDir: string;
  outDir: string;
  startCommand: string;
  isContainer: boolean;
  keepState: boolean;
}

/** Does for Python what it asks for: the driver's work, by the names it has there. */
export class Bridge implements Disposable {
  readonly #driver: Driver;
  readonly #errors: CrossedErrors;
  readonly #links: StateLinks;
  readonly #check: Check;
  readonly #machines = new Map<string, Machine>();
  readonly #events = new Map<Machine, QmpEvents>();
  readonly #conditions = new Map<number, PollingCondition>();
  /** What variables of the environment were before the script changed them. */
  readonly #environment = new Map<string, string | undefined>();
  readonly #listening: Disposable;
  /** Those that are kept at the moment, as often as they were entered. */
  readonly #kept: PollingCondition[] = [];

  /**
   * Takes the driver, the errors that Python knows, the links to what the
   * machines keep on the host, and the way to conditions.
   */
  constructor(
    driver: Driver,
    errors: CrossedErrors,
    links: StateLinks,
    check: Check,
  ) {
    this.#driver = driver;
    this.#errors = errors;
    this.#links = links;
    this.#check = check;
    for (const machine of driver.machines) this.#add(machine);
    this.#listening = driver.log.addListener({
      on: (event) => {
        // A machine says that it runs, or anything else: it may be a new session.
        if (event.type !== "message" || event.machine === undefined) return;
        const machine = this.#machines.get(event.machine);
        if (machine !== undefined) this.#events.get(machine)?.listen();
      },
    });
  }

  /** What Python is told at its beginning. */
  facts(): Record<string, unknown> {
    const { machines, vlans, vhostVsock, outDir, globalTimeout } = this.#driver;
    return {
      machines: machines.map(factsOf),
      vlans: vlans.map(({ nr, socketDir, pid }) => ({ nr, socketDir, pid })),
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

  /** Does what a request asks for. */
  async handle(request: Message): Promise<unknown> {
    const { log } = this.#driver;
    if (request.environment !== undefined) {
      this.#setEnvironment(request.environment as Record<string, string>);
    }
    switch (request.do) {
      case "call":
        return await this.#call(request);
      case "get":
        return this.#machine(request)[oneOf(FACTS, request.fact)] ?? null;
      case "setStateDir": {
        const machine = this.#machine(request);
        machine.stateDir = String(request.path);
        return machine.stateDir;
      }
      case "log":
        return this.#log(request);
      case "consoleLine":
        for (const line of harmless(String(request.text)).split("\n")) {
          log.consoleLine(String(request.machine), line);
        }
        return;
      case "begin":
        return log.begin(
          String(request.text),
          request.attributes as Attributes,
        ).id;
      case "beginSubtest":
        return log.beginSubtest(String(request.name)).id;
      case "end": {
        const report = request.error as ExceptionReport | null;
        const error = report === null
          ? undefined
          : this.#errors.fromPython(report);
        return log.end({ id: request.ended as number }, error);
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
      case "conditionEnter":
        this.#kept.push(this.#condition(request).enter());
        return;
      case "conditionExit": {
        const at = this.#kept.lastIndexOf(this.#condition(request));
        if (at >= 0) this.#kept.splice(at, 1)[0].exit();
        return;
      }
      case "conditionWait":
        return await this.#condition(request).wait({
          timeout: request.timeout as number,
        });
      case "qmpReady":
        return this.#eventsOf(request).ready;
      case "qmpSend":
        return await this.#machine(request).qmpClient.send(
          String(request.command),
          request.args as Record<string, unknown>,
        );
      case "qmpNext":
        return await this.#eventsOf(request).next(
          request.timeout as number ?? undefined,
        ) ?? null;
      case "consoleLineNext":
        return await this.#nextLine(request);
      default:
        throw new TypeError(`Python asked for ${request.do}, unknown here`);
    }
  }

  /** Takes what it has given out. */
  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
    for (const condition of this.#kept) condition.exit();
    for (const [name, value] of this.#environment) setVariable(name, value);
    for (const events of this.#events.values()) events[Symbol.dispose]();
    this.#events.clear();
    this.#machines.clear();
  }

  #add(machine: Machine): void {
    this.#machines.set(machine.name, machine);
    // Scripts may put files there before the machine is started.
    Deno.mkdirSync(machine.stateDir, { recursive: true, mode: 0o700 });
    this.#links.add(machine);
    if (machine.isContainer) return;
    this.#events.set(machine, new QmpEvents(machine));
  }

  /**
   * What the script sets in its environment is meant for start scripts, and the
   * programs that the driver runs: for the script, all of it is one process.
   */
  #setEnvironment(changes: Record<string, string | null>): void {
    for (const [name, value] of Object.entries(changes)) {
      if (!this.#environment.has(name)) {
        this.#environment.set(name, Deno.env.get(name));
      }
      setVariable(name, value ?? undefined);
    }
  }

  #machine(request: Message): Machine {
    const machine = this.#machines.get(String(request.machine));
    if (machine !== undefined) return machine;
    throw new TypeError(`Python asked for machine ${request.machine}`);
  }

  #eventsOf(request: Message): QmpEvents {
    return this.#events.get(this.#machine(request))!;
  }

  async #call(request: Message): Promise<unknown> {
    const machine = this.#machine(request);
    const method = machine[oneOf(METHODS, request.method)] as (
      ...args: unknown[]
    ) => unknown;
    const args = (request.args as unknown[]).map(revivePattern);
    return await method.apply(machine, args);
  }

  #log(request: Message): void {
    const { log } = this.#driver;
    const text = String(request.text);
    const attributes = request.attributes as Attributes;
    if (request.level === null) log.log(text, attributes);
    else log[request.level as LogLevel](text, attributes);
  }

  #createMachine(request: Message): MachineFacts {
    const machine = this.#driver.createMachine(String(request.startCommand), {
      name: request.name as string ?? undefined,
      keepState: request.keepState as boolean,
    });
    this.#add(machine);
    return { ...factsOf(machine), keepState: request.keepState as boolean };
  }

  #condition(request: Message): PollingCondition {
    const number = request.condition as number;
    let condition = this.#conditions.get(number);
    if (condition === undefined) {
      condition = this.#driver.pollingCondition(() => this.#check(number), {
        interval: request.interval as number,
        description: String(request.description),
      });
      this.#conditions.set(number, condition);
    }
    return condition;
  }

  /**
   * The next line of the console: for patterns that only Python can search for.
   * Answers `null` where the time has passed.
   */
  async #nextLine(request: Message): Promise<string | null> {
    const machine = this.#machine(request);
    const end = performance.now() +
      (request.timeout as number ?? Infinity) * 1000;
    while (true) {
      const left = (end - performance.now()) / 1000;
      try {
        const [, line] = await machine.console.waitFor(/([^\n]*)\n/, {
          timeout: Math.min(0.5, Math.max(0, left)),
          signal: this.#driver.signal,
        });
        return line ?? "";
      } catch (error) {
        if (!(error instanceof TestFailure)) throw error;
        if (left <= 0) return null;
      }
      for (const condition of this.#kept) {
        if (!condition.due || await condition.holds()) continue;
        throw new TestFailure(
          `Polling condition failed: ${condition.description}`,
        );
      }
    }
  }
}

function factsOf(machine: Machine): MachineFacts {
  const { name, stateDir, sharedDir, outDir, startCommand, isContainer } =
    machine;
  return {
    name,
    stateDir,
    sharedDir,
    outDir,
    startCommand,
    isContainer,
    keepState: false,
  };
}

function setVariable(name: string, value: string | undefined): void {
  if (value === undefined) Deno.env.delete(name);
  else Deno.env.set(name, value);
}

function oneOf<T extends string>(names: readonly T[], name: unknown): T {
  if ((names as readonly unknown[]).includes(name)) return name as T;
  throw new TypeError(`Python asked for ${name}, unknown here`);
}

/** A translated pattern as a regular expression that shows as Python's own. */
function revivePattern(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("source" in value)) {
    return value;
  }
  const { source, flags, text } = value as Record<string, string>;
  const regexp = new RegExp(source, flags);
  regexp.toString = () => text;
  return regexp;
}
