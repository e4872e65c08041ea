/** Everything that decides what a build produces, so that its hash names it. */
export interface Recipe {
  readonly name: string;
  /** Packages, scripts, parameters: any change means a new build. */
  readonly ingredients: unknown;
}

/** Sorts object keys, so that equal recipes read equal. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, entry]) => entry !== undefined)
      .sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)
      .map(([key, entry]) => [key, canonical(entry)]),
  );
}

/** Sixteen hexadecimal digits that change whenever the recipe does. */
export async function recipeHash(recipe: Recipe): Promise<string> {
  const text = JSON.stringify(canonical(recipe));
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(text),
  );
  return new Uint8Array(digest).toHex().slice(0, 16);
}
