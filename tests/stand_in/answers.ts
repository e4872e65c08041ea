import { assertEquals } from "@std/assert";
import { delay } from "../../src/time/mod.ts";

/** A request, and what is answered: a status, or what a fault says. */
export type Exchange = readonly [
  method: string,
  path: string,
  body: unknown,
  answer: number | string,
];

/** A hypervisor that is asked. */
export interface Asked {
  /** Its program, and arguments. */
  readonly command: readonly string[];
  /** The UNIX socket of its API. */
  readonly socket: string;
  /** Whether it is there. */
  readonly sign: string;
  /** What a fault's body says. */
  readonly faultOf: (text: string) => string;
}

/** Runs a hypervisor, asks what is to be asked, and compares its answers. */
export async function compareAnswers(
  { command: [program, ...args], socket, sign, faultOf }: Asked,
  exchanges: readonly Exchange[],
): Promise<void> {
  const process = new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  using client = Deno.createHttpClient({
    proxy: { transport: "unix", path: socket },
  });
  const request = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`http://localhost${path}`, {
      method,
      client,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (response.ok || text === "") return response.status;
    // A stand-in does not count lines and columns.
    return faultOf(text).replace(/ at line \d+ column \d+/, "");
  };
  try {
    while (await request("GET", sign).catch(() => {}) !== 200) {
      await delay(0.02);
    }
    for (const [method, path, body, answer] of exchanges) {
      assertEquals(
        await request(method, path, body),
        answer,
        `${method} ${path} ${JSON.stringify(body)}`,
      );
    }
  } finally {
    try {
      process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await process.status;
  }
}
