/** The names that are bound, each by those who bound it, the last of them last. */
const bindings = new Map<string, unknown[]>();

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
export function bindGlobals(
  names: Record<string, unknown>,
): Disposable & { readonly refused: string[] } {
  const refused: string[] = [];
  const bound: string[] = [];
  for (const [name, value] of Object.entries(names)) {
    const earlier = bindings.get(name);
    if (earlier !== undefined) {
      earlier.push(value);
    } else if (name in globalThis) {
      refused.push(name);
      continue;
    } else {
      bindings.set(name, [value]);
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
      for (const name of bound) {
        const values = bindings.get(name)!;
        values.pop();
        if (values.length > 0) {
          Reflect.set(globalThis, name, values.at(-1));
        } else {
          bindings.delete(name);
          Reflect.deleteProperty(globalThis, name);
        }
      }
    },
  };
}
