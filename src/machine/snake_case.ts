/**
 * A camelCase name in snake_case, as a type: `"waitForUnit"` →
 * `"wait_for_unit"`. Of an object: its members under their names in snake_case.
 */
export type SnakeCased<T> = T extends string
  ? T extends `${infer Head}${infer Tail}`
    ? `${Head extends Lowercase<Head> ? Head
      : `_${Lowercase<Head>}`}${SnakeCased<
      Tail
    >}`
  : T
  : {
    [Name in keyof T as Name extends string ? SnakeCased<Name> : never]:
      T[Name];
  };

/** A camelCase name in snake_case: `waitForUnit` → `wait_for_unit`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Adds to an object an alias in snake_case for each of its members. */
export function offerSnakeCase(target: object): void {
  for (const name of Object.getOwnPropertyNames(target)) {
    const alias = snakeCase(name);
    if (alias === name || name === "constructor") continue;
    Object.defineProperty(target, alias, {
      configurable: true,
      get(this: Record<string, unknown>) {
        return this[name];
      },
      set: Object.getOwnPropertyDescriptor(target, name)?.set &&
        function (this: Record<string, unknown>, value: unknown) {
          this[name] = value;
        },
    });
  }
}
