import { assert, assertEquals, assertMatch } from "@std/assert";
import { ReportServer } from "../../src/report/mod.ts";
import { standStill } from "../time/stand_still.ts";
import { passing } from "./made_runs.ts";

/** What a server answers to a request that nothing has made well-behaved. */
async function ask(
  url: URL,
  { path = url.pathname, host = url.host, method = "GET" } = {},
): Promise<string> {
  using connection = await Deno.connect({
    hostname: "127.0.0.1",
    port: Number(url.port),
  });
  await connection.write(new TextEncoder().encode(
    `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
  ));
  const chunks = [];
  const buffer = new Uint8Array(1 << 16);
  for (let n; (n = await connection.read(buffer)) !== null;) {
    chunks.push(new TextDecoder().decode(buffer.subarray(0, n)));
  }
  return chunks.join("");
}

async function served(act: (url: URL) => Promise<void>): Promise<void> {
  const server = new ReportServer();
  for (const event of passing().events) server.on(event);
  try {
    await act(new URL(server.url));
  } finally {
    await server.close();
  }
}

const status = (answer: string) => answer.slice(9, 12);

Deno.test("the report's server answers only requests with its token, at its own name", () =>
  served(async (url) => {
    assertEquals(url.hostname, "127.0.0.1");
    assertMatch(url.pathname, /^\/[0-9a-f]{32}\/$/);
    const page = await ask(url);
    assertEquals(status(page), "200");
    assertMatch(page, /content-security-policy: frame-ancestors 'none'/i);
    assertMatch(page, /script-src 'sha256-[^"]*; connect-src 'self'"/);
    // A name that leads here, of somebody who would like to read along.
    for (const host of [`evil.example:${url.port}`, `localhost`, "127.0.0.1"]) {
      assertEquals(status(await ask(url, { host })), "403", host);
    }
    const token = url.pathname.slice(1, -1);
    for (
      const path of [
        "/",
        "/state",
        `/${token.slice(0, -1)}/`,
        `/${token}`,
        `/${token}/other`,
        `/${token}/chunk/-1`,
        `/${token}/chunk/1e1`,
        `/${token}/chunk/99999`,
        `/${token}/chunk/0/1`,
        `/${token}/../../etc/passwd`,
      ]
    ) {
      assertEquals(status(await ask(url, { path })), "404", path);
    }
    assertEquals(status(await ask(url, { method: "POST" })), "405");
  }));

Deno.test("the report's server listens on this host alone", () =>
  served(async (url) => {
    const others = Deno.networkInterfaces().filter(({ family, address }) =>
      family === "IPv4" && address !== "127.0.0.1"
    );
    for (const { address: hostname } of others) {
      const connected = await Deno.connect({ hostname, port: Number(url.port) })
        .then((connection) => {
          connection.close();
          return true;
        }, () => false);
      assertEquals(connected, false, hostname);
    }
  }));

Deno.test("the report's server sends news, and in the end everything", async () => {
  const server = new ReportServer();
  const { events } = passing();
  const [first, ...rest] = events;
  server.on(first);
  const state = (after: string) => fetch(`${server.url}state?after=${after}`);
  const one = await state("");
  const version = one.headers.get("x-version")!;
  assertEquals((await one.text()).includes(`id="overview"`), true);
  const two = state(version);
  for (const event of rest) server.on(event);
  const answer = await two;
  assert(Number(answer.headers.get("x-version")) > Number(version));
  await answer.text();
  await server.close();
  const closed = await state("").then(() => false, () => true);
  assert(closed);
});

Deno.test("a page that asked while the process stood still gets the end of the run", async () => {
  const server = new ReportServer();
  const { events } = passing();
  const [first, ...rest] = events;
  server.on(first);
  const url = new URL(server.url);
  await ask(url, { path: `${url.pathname}state?after=` });
  for (const event of rest) server.on(event);
  const asked = ask(url, { path: `${url.pathname}state?after=0` });
  // Longer than a page that is still there takes to ask again.
  standStill(1);
  await server.close();
  assertEquals(status(await asked), "200");
});
