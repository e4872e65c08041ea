/** Elements of an array that are put into words at once. */
const together = 1000;

/**
 * A value as JSON, in pieces: one long text would make V8 take up much more
 * memory, for objects that live for a moment only.
 *
 * @param value A value of objects, arrays, numbers, texts and the like.
 * @param depth How deep to cut objects into their fields. Default: 2.
 */
export function* jsonPieces(value: unknown, depth = 2): Generator<string> {
  if (Array.isArray(value) && value.length > together) {
    yield "[";
    for (let at = 0; at < value.length; at += together) {
      const some = JSON.stringify(value.slice(at, at + together));
      yield (at === 0 ? "" : ",") + some.slice(1, -1);
    }
    yield "]";
  } else if (
    depth > 0 && typeof value === "object" && value !== null &&
    !Array.isArray(value)
  ) {
    let before = "{";
    for (const [name, field] of Object.entries(value)) {
      if (field === undefined) continue;
      yield `${before}${JSON.stringify(name)}:`;
      yield* jsonPieces(field, depth - 1);
      before = ",";
    }
    yield before === "{" ? "{}" : "}";
  } else yield JSON.stringify(value);
}
