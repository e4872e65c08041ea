import { dedent } from "../script/dedent.ts";
import type { Driver } from "../driver/mod.ts";
import { bindGlobals, isReservedWord } from "../script/mod.ts";
import { classes } from "../script/classes.ts";

let assertionsRead: Promise<typeof import("../script/assertions.ts")>;

/**
 * Begins to load the assertions, which takes a while, so that they are there
 * when the driver is made.
 */
export function readAssertions(): typeof assertionsRead {
  assertionsRead ??= import("../script/assertions.ts");
  // The caller that uses them gets the error.
  assertionsRead.catch(() => {});
  return assertionsRead;
}

/**
 * Runs a function while the names that a script sees are bound.
 *
 * @param driver The driver that the script is to use.
 * @param fn Receives all names.
 * @returns What the function returns.
 */
export async function withNames<T>(
  driver: Driver,
  fn: (context: Record<string, unknown>) => Promise<T>,
): Promise<T> {
  const { assertions } = await readAssertions();
  const names = driver.bindings();
  const context = { ...assertions, ...classes, dedent, ...names };
  for (const name of Object.keys(names)) {
    if (name in assertions) {
      driver.log.warning(
        `in the script, ${name} is the machine, and hides the assertion ${name}`,
      );
    }
  }
  using bound = bindGlobals(context);
  for (const name of bound.refused) {
    driver.log.warning(
      `in the script, ${name} is JavaScript's own; the machine of that name is in the list machines`,
    );
  }
  for (const name of Object.keys(context).filter(isReservedWord)) {
    driver.log.warning(
      `"${name}" is a reserved word of JavaScript; the machine of that name is in the list machines`,
    );
  }
  return await bound.run(() => fn(context));
}
