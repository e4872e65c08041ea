/**
 * A free port of this host, which the kernel does not give to a program that
 * takes any: so nobody else has it a moment later.
 */
export function freePort(hostname: string): number {
  for (let port = 10_000 + Deno.pid % 10_000;; port++) {
    try {
      Deno.listen({ hostname, port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
