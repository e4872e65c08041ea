/** The client of an API, and a server of ours at the other end. */
import { assertEquals, assertRejects } from "@std/assert";
import {
  ApiClient,
  ApiError,
} from "../../../src/backend/microvm/api_client.ts";
import { isHypervisorGone, MachineError } from "../../../src/errors.ts";
import { delay } from "../../../src/time/mod.ts";

async function served(
  answer: (request: Request, body: string) => Response | Promise<Response>,
) {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/api`;
  const serve = () =>
    Deno.serve(
      { transport: "unix", path, onListen: () => {} },
      async (request) => await answer(request, await request.text()),
    );
  const client = new ApiClient({
    socket: path,
    base: "/api/v1",
    hypervisor: "Vmm",
    faultOf: (text) => JSON.parse(text).fault,
  });
  return {
    path,
    serve,
    client,
    async [Symbol.asyncDispose]() {
      client.close();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

Deno.test("a request to an API", async (t) => {
  const asked: string[] = [];
  const slow = Promise.withResolvers<Response>();
  await using api = await served((request, body) => {
    const { pathname } = new URL(request.url);
    asked.push(`${request.method} ${pathname} ${body}`);
    if (pathname.endsWith("/none")) return new Response(null, { status: 204 });
    if (pathname.endsWith("/wrong")) {
      return Response.json({ fault: " too late\n" }, { status: 400 });
    }
    if (pathname.endsWith("/slow")) return slow.promise;
    return Response.json({ state: "Running" });
  });
  const { client } = api;
  let server: Deno.HttpServer | undefined;

  await t.step("waits for the API, and not only for its socket", async () => {
    // Something is there at which nobody listens.
    await Deno.writeTextFile(api.path, "");
    const answer = client.answers("/", new AbortController().signal);
    await delay(0.1);
    await Deno.remove(api.path);
    server = api.serve();
    assertEquals(await answer, { state: "Running" });
  });

  await t.step("brings its answer, if there is one", async () => {
    asked.length = 0;
    assertEquals(await client.request("GET", "/vm"), { state: "Running" });
    assertEquals(await client.request("PUT", "/none", { a: 1 }), undefined);
    assertEquals(await client.request("PUT", "/none"), undefined);
    assertEquals(asked, [
      "GET /api/v1/vm ",
      'PUT /api/v1/none {"a":1}',
      "PUT /api/v1/none ",
    ]);
  });

  await t.step("that is refused says who refused what, and why", async () => {
    const error = await assertRejects(
      () => client.request("PATCH", "/wrong", {}),
      ApiError,
    );
    assertEquals(
      error.message,
      "Vmm refused PATCH /wrong with status 400: too late",
    );
    const { endpoint, status, fault } = error;
    assertEquals([endpoint, status, fault], ["PATCH /wrong", 400, "too late"]);
  });

  await t.step("without an answer in time fails", async () => {
    const error = await assertRejects(
      () => client.request("GET", "/slow", undefined, { timeout: 0.05 }),
      MachineError,
    );
    assertEquals(
      error.message,
      "Vmm has not answered GET /slow in 0.05 seconds",
    );
  });

  await t.step("to a hypervisor that has ended reports that end", async () => {
    slow.resolve(new Response());
    await server!.shutdown();
    const error = await assertRejects(() => client.request("GET", "/"), Error);
    assertEquals(error.message, "Vmm has closed its API");
    assertEquals(isHypervisorGone(error), true);
  });
});
