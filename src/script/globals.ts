import { AsyncLocalStorage } from "node:async_hooks";

/** The names and values of one call of {@linkcode bindGlobals}. */
type Scope = Map<string, unknown>;

/** The scopes that bind each name now, the latest last. */
const bindings = new Map<string, Scope[]>();
/** The scope of the code that runs now. */
const flow = new AsyncLocalStorage<Scope>();

/** Names that are bound as global variables. */
export interface BoundGlobals extends Disposable {
  /** The names that were not bound. */
  readonly refused: string[];
  /**
   * Runs a function. The function and everything that it starts see these
   * values, however long they run, and even if others bind the names again
   * meanwhile.
   */
  run<T>(fn: () => T): T;
}

/**
 * Binds names as global variables, so that a script sees them without imports.
 * A script is a module, so its own declarations shadow them.
 *
 * It does not bind a name of JavaScript itself (for example for a machine
 * called `console`): the rest of the program needs that. If a name was bound
 * before, the earlier binding is valid again when this one is undone.
 *
 * @param names What to bind.
 * @returns The names that were not bound, and a way to undo the binding.
 */
export function bindGlobals(names: Record<string, unknown>): BoundGlobals {
  const refused = Object.keys(names).filter(isJavaScripts);
  const scope: Scope = new Map(
    Object.entries(names).filter(([name]) => !refused.includes(name)),
  );
  for (const name of scope.keys()) {
    const scopes = bindings.get(name);
    if (scopes !== undefined) scopes.push(scope);
    else {
      bindings.set(name, [scope]);
      define(name);
    }
  }
  return {
    refused,
    run: (fn) => flow.run(scope, fn),
    [Symbol.dispose]() {
      for (const name of scope.keys()) {
        const scopes = bindings.get(name)!;
        scopes.splice(scopes.indexOf(scope), 1);
        if (scopes.length > 0) continue;
        bindings.delete(name);
        Reflect.deleteProperty(globalThis, name);
      }
    },
  };
}

/** Whether JavaScript itself has a name, so that it is not bound. */
export function isJavaScripts(name: string): boolean {
  return name in globalThis && !bindings.has(name);
}

function define(name: string): void {
  const scope = () => {
    const own = flow.getStore();
    return own?.has(name) ? own : bindings.get(name)!.at(-1)!;
  };
  Object.defineProperty(globalThis, name, {
    configurable: true,
    enumerable: true,
    get: () => scope().get(name),
    set: (value) => scope().set(name, value),
  });
}
