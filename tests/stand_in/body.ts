/** What a field of a request may be. */
export type Field =
  | "string"
  | "boolean"
  | "u8"
  | "u16"
  | "u32"
  | "usize"
  | "any"
  | readonly string[];

/** What a request's body has to hold, in the order in which it is declared. */
export interface Shape {
  /** Fields that must be there. */
  readonly required?: Record<string, Field>;
  /** Fields that may be there. */
  readonly optional?: Record<string, Field>;
  /** Whether other fields are passed over, instead of refused. */
  readonly isOpen?: boolean;
}

/** A body that does not have the shape, in the words of Rust's serde. */
export class BadBody extends Error {}

const LARGEST = { u8: 0xff, u16: 0xffff, u32: 0xffffffff, usize: 2 ** 53 };

/**
 * Reads a body as serde does, without the place in the text that serde names.
 *
 * @throws {BadBody} if it does not have the shape.
 */
export function readBody(text: string, shape: Shape): Record<string, unknown> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new BadBody("EOF while parsing an object");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new BadBody("invalid type: expected struct");
  }
  const { required = {}, optional = {} } = shape;
  const fields: Record<string, Field> = { ...required, ...optional };
  for (const [name, value] of Object.entries(body)) {
    const field = fields[name];
    if (field === undefined) {
      if (shape.isOpen) continue;
      throw new BadBody(
        `unknown field \`${name}\`, expected ${oneOf(Object.keys(fields))}`,
      );
    }
    if (value === null && name in optional) continue;
    check(value, field);
  }
  for (const name of Object.keys(required)) {
    if (!(name in body)) throw new BadBody(`missing field \`${name}\``);
  }
  return body as Record<string, unknown>;
}

function check(value: unknown, field: Field): void {
  if (field === "any") return;
  if (typeof field !== "string") {
    if (field.includes(value as string)) return;
    throw new BadBody(
      `unknown variant \`${value}\`, expected ${oneOf(field)}`,
    );
  }
  const got = typeof value === "string"
    ? `string ${JSON.stringify(value)}`
    : typeof value === "number"
    ? `integer \`${value}\``
    : typeof value === "boolean"
    ? `boolean \`${value}\``
    : "null";
  if (field === "string") {
    if (typeof value === "string") return;
    throw new BadBody(`invalid type: ${got}, expected a string`);
  }
  if (field === "boolean") {
    if (typeof value === "boolean") return;
    throw new BadBody(`invalid type: ${got}, expected a boolean`);
  }
  if (typeof value !== "number") {
    throw new BadBody(`invalid type: ${got}, expected ${field}`);
  }
  if (!Number.isInteger(value) || value < 0 || value > LARGEST[field]) {
    throw new BadBody(`invalid value: ${got}, expected ${field}`);
  }
}

/** The words of serde for several names. */
function oneOf(names: readonly string[]): string {
  const quoted = names.map((name) => `\`${name}\``);
  if (quoted.length <= 2) return quoted.join(" or ");
  return `one of ${quoted.join(", ")}`;
}
