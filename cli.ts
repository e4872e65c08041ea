#!/usr/bin/env -S deno run -A --v8-flags=--max-semi-space-size=4
import { main } from "./src/cli/main.ts";

if (import.meta.main) Deno.exit(await main(Deno.args));
