import type { Driver } from "../../driver/mod.ts";
import { type Check, CrossedConditions } from "./crossed_conditions.ts";
import { CrossedFaults } from "./crossed_faults.ts";
import { CrossedObjects } from "./crossed_objects.ts";
import { driverRequests } from "./driver_requests.ts";
import type { CrossedErrors } from "./errors.ts";
import { logRequests } from "./log_requests.ts";
import { factsOf } from "./machine_facts.ts";
import { machineRequests } from "./machine_requests.ts";
import type { BridgeRequest } from "./messages.ts";
import { type RequestHandlers, unknownHere } from "./request_handlers.ts";
import type { StateLinks } from "./state_links.ts";

/** Handles the requests of Python to the driver. */
export class Bridge implements Disposable {
  readonly #driver: Driver;
  readonly #objects: CrossedObjects;
  readonly #conditions: CrossedConditions;
  readonly #handlers: RequestHandlers<BridgeRequest["do"]>;
  /** The values of environment variables before the script has changed them. */
  readonly #environment = new Map<string, string | undefined>();

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
    const faults = new CrossedFaults();
    const objects = new CrossedObjects(driver, links, directory);
    const conditions = new CrossedConditions(driver, check);
    this.#driver = driver;
    this.#objects = objects;
    this.#conditions = conditions;
    this.#handlers = {
      ...machineRequests(objects, faults, conditions, driver.signal),
      ...conditions.handlers,
      ...logRequests(driver, errors),
      ...driverRequests(driver, objects, faults, errors),
    };
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

  /**
   * Handles a request.
   *
   * @returns The answer.
   * @throws {TypeError} if the driver knows no such request.
   */
  async handle(request: BridgeRequest): Promise<unknown> {
    if (!Object.hasOwn(this.#handlers, request.do)) {
      throw unknownHere(request.do);
    }
    const handler = this.#handlers[request.do] as (
      request: BridgeRequest,
    ) => unknown;
    return await handler(request);
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

  /** Leaves the conditions, and lets go of machines and environment. */
  [Symbol.dispose](): void {
    this.#conditions[Symbol.dispose]();
    for (const [name, value] of this.#environment) setVariable(name, value);
    this.#objects[Symbol.dispose]();
  }
}

function setVariable(name: string, value: string | undefined): void {
  if (value === undefined) Deno.env.delete(name);
  else Deno.env.set(name, value);
}
