import type { Driver, PollingCondition } from "../../driver/mod.ts";
import { ConditionFailure } from "../../errors.ts";
import type { ConditionRequest } from "./messages.ts";
import type { RequestHandlers } from "./request_handlers.ts";

/** Lets Python check a condition. */
export type Check = (condition: number) => Promise<unknown>;

/** The conditions that Python holds. */
export class CrossedConditions implements Disposable {
  readonly #driver: Driver;
  readonly #check: Check;
  readonly #conditions = new Map<number, PollingCondition>();
  /** The conditions that are entered now, as often as they were entered. */
  readonly #kept: PollingCondition[] = [];

  /** The requests about conditions. */
  readonly handlers: RequestHandlers<ConditionRequest["do"]> = {
    conditionEnter: (request) => {
      this.#kept.push(this.#condition(request).enter());
    },
    conditionExit: (request) => {
      const at = this.#kept.lastIndexOf(this.#condition(request));
      if (at >= 0) this.#kept.splice(at, 1)[0].exit();
    },
    conditionWait: (request) =>
      this.#condition(request).wait({ timeout: request.timeout }),
  };

  /** Takes the driver, and the way to the checks. */
  constructor(driver: Driver, check: Check) {
    this.#driver = driver;
    this.#check = check;
  }

  /**
   * Checks the entered conditions whose time has come.
   *
   * @throws {ConditionFailure} if one does not hold.
   */
  async demand(): Promise<void> {
    for (const condition of this.#kept) {
      if (!condition.due || await condition.holds()) continue;
      throw new ConditionFailure(condition.description);
    }
  }

  /** Leaves all conditions. */
  [Symbol.dispose](): void {
    for (const condition of this.#kept) condition.exit();
  }

  #condition(
    { condition: number, interval, description }: ConditionRequest,
  ): PollingCondition {
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
}
