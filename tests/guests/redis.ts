import { carried } from "./carried.ts";

/** A directory with the programs of Redis, which any guest can have. */
export function redis(): Promise<string> {
  return carried("redis", ["redis-server"], ["redis-server", "redis-cli"]);
}
