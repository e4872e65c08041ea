/**
 * Binds names as global variables, so that a script sees them without importing
 * anything. A script is a module: whatever it declares itself, under whatever
 * name, shadows them.
 *
 * A name that JavaScript has already (a machine called `console`, say) is not
 * touched: all the rest of the program stands on it.
 *
 * @param names What to bind.
 * @returns The names that were not bound, and how to undo the binding.
 */
export function bindGlobals(
  names: Record<string, unknown>,
): Disposable & { readonly refused: string[] } {
  const refused: string[] = [];
  const bound: string[] = [];
  for (const [name, value] of Object.entries(names)) {
    if (name in globalThis) {
      refused.push(name);
      continue;
    }
    Object.defineProperty(globalThis, name, {
      configurable: true,
      enumerable: true,
      writable: true,
      value,
    });
    bound.push(name);
  }
  return {
    refused,
    [Symbol.dispose]() {
      for (const name of bound) Reflect.deleteProperty(globalThis, name);
    },
  };
}
