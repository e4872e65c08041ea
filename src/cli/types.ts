import { UsageError } from "../report/errors.ts";
import { findApi } from "../script/check_types.ts";
import { declarations } from "../script/declarations.ts";
import type { Configuration } from "./configuration.ts";

/** `vmwright types`: the declarations of what a script sees. */
export function types({ machines, vlans }: Configuration): string {
  const api = findApi();
  if (api === undefined) {
    throw new UsageError("the declarations of the API are not installed");
  }
  return declarations(
    { machines: machines.map(({ name }) => name), vlans },
    api,
  );
}
