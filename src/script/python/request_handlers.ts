import type { BridgeRequest } from "./messages.ts";

/** The requests to do one thing. */
export type RequestTo<Name extends BridgeRequest["do"]> = Named<
  BridgeRequest,
  Name
>;

type Named<Request, Name> = Request extends { do: infer Names }
  ? Name extends Names ? Request : never
  : never;

/** A function for each of some requests, which returns the answer. */
export type RequestHandlers<Name extends BridgeRequest["do"]> = {
  readonly [Each in Name]: (request: RequestTo<Each>) => unknown;
};

/**
 * Takes a name for one of some names.
 *
 * @throws {TypeError} if it is another.
 */
export function oneOf<T extends string>(
  names: readonly T[],
  name: unknown,
): T {
  if ((names as readonly unknown[]).includes(name)) return name as T;
  throw unknownHere(name);
}

/** The error about a name that Python knows, and the driver does not. */
export function unknownHere(name: unknown): TypeError {
  return new TypeError(`Python asked for ${name}, unknown here`);
}
