import { AsyncLocalStorage } from "node:async_hooks";

/** One call of {@linkcode bindGlobals}: what each name stands for. */
type Scope = Map<string, unknown>;

/** The scopes that bind each name at this moment, the last of them last. */
const bindings = new Map<string, Scope[]>();
/** The scope that the code which runs now was started in. */
const flow = new AsyncLocalStorage<Scope>();

/** Names that are bound as global variables. */
export interface BoundGlobals extends Disposable {
  /** The names that were not bound. */
  readonly refused: string[];
  /**
   * Runs a function. It, and whatever it starts, finds these names bound to these
   * values, however long it goes on, and whoever binds them anew meanwhile.
   */
  run<T>(fn: () => T): T;
}

/**
 * Binds names as global variables, so that a script sees them without importing
 * anything. A script is a module: whatever it declares itself, under whatever
 * name, shadows them.
 *
 * A name that JavaScript has already (a machine called `console`, say) is not
 * touched: all the rest of the program stands on it. One that was bound before
 * means what it meant then again when this binding is undone.
 *
 * @param names What to bind.
 * @returns The names that were not bound, and how to undo the binding.
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

/** Whether JavaScript has something under a name, so that it is not bound. */
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
