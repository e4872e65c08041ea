/** A request, as a backend makes it. */
export interface MadeRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

// deno-lint-ignore no-explicit-any
type Any = any;

/** Loaded only where there are definitions, so that nobody else downloads them. */
const AJV = "npm:ajv@8.17.1", YAML = "npm:yaml@2.8.1";

/**
 * Checks requests against a hypervisor's own definition of its API: their paths,
 * their methods, and their bodies, in which nothing may be that is not defined.
 *
 * The environment variable `VMWRIGHT_OPENAPI` names the directory with the
 * definitions.
 *
 * @param file The definition's file.
 * @param base The path before those of the definition.
 * @returns What is wrong; nothing if there are no definitions.
 */
export async function faultsOf(
  file: string,
  requests: readonly MadeRequest[],
): Promise<string[] | undefined> {
  const directory = Deno.env.get("VMWRIGHT_OPENAPI");
  if (directory === undefined) {
    console.log(
      `Skipped: the check of requests against ${file}, since VMWRIGHT_OPENAPI ` +
        "names no directory with it",
    );
    return undefined;
  }
  const load = (module: string): Promise<Any> => import(module);
  const { parse } = await load(YAML);
  const { default: Ajv } = await load(AJV);
  const definition = closed(
    parse(await Deno.readTextFile(`${directory}/${file}`)),
  ) as Any;
  const ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.addSchema(definition, "api");
  const faults: string[] = [];
  for (const { method, path, body } of requests) {
    const named = Object.keys(definition.paths).find((template) =>
      new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(path)
    );
    const operation = named === undefined
      ? undefined
      : definition.paths[named][method.toLowerCase()];
    const what = `${method} ${path}`;
    if (operation === undefined) {
      faults.push(`${what}: there is no such request`);
      continue;
    }
    const place = `api#/paths/${
      named!.replaceAll("/", "~1")
    }/${method.toLowerCase()}`;
    const at = operation.parameters?.findIndex((one: Any) => one.in === "body");
    const schema = at >= 0
      ? `${place}/parameters/${at}/schema`
      : operation.requestBody === undefined
      ? undefined
      : `${place}/requestBody/content/application~1json/schema`;
    if (schema === undefined || body === undefined) {
      if (schema !== body) faults.push(`${what}: its body is not as defined`);
      continue;
    }
    const check = ajv.compile({ $ref: schema });
    if (!check(body)) {
      faults.push(`${what}: ${ajv.errorsText(check.errors)}`);
    }
  }
  return faults;
}

/** Definitions in which no object has more than is named. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const all = Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, closed(inner)]),
  );
  const isSchema = all.type === "object" && all.properties !== undefined;
  return isSchema && all.additionalProperties === undefined
    ? { ...all, additionalProperties: false }
    : all;
}
