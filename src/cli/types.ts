import { UsageError } from "../errors.ts";
import { findApi, missingApi } from "../script/check_types.ts";
import { declarations } from "../script/declarations.ts";
import type { Configuration } from "./configuration.ts";
import { scriptNames } from "./script_names.ts";

/**
 * `vmwright types`: prints the declarations of the names that a script sees.
 */
export function types(configuration: Configuration): string {
  const api = findApi();
  if (api === undefined) {
    throw new UsageError(missingApi);
  }
  return declarations(scriptNames(configuration), api);
}
