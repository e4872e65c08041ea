// Shows vmwright at work: two virtual machines of Debian on one network, one of
// which serves a page that the other fetches.
//
//   deno task demo [--yes]
//
// Installs missing packages by apt; asks first unless --yes is given.

import { parseArgs } from "@std/cli/parse-args";
import {
  Driver,
  HtmlListener,
  JunitListener,
  Log,
  TerminalListener,
  UsageError,
} from "../../mod.ts";
import { ensureTools, guest } from "../guests/mod.ts";

const { yes } = parseArgs(Deno.args, {
  boolean: ["yes"],
  unknown: (argument) => {
    console.error(`expected nothing but --yes, got ${argument}`);
    Deno.exit(2);
  },
});
Deno.exit(await demo(yes));

/** Sets up, runs the test, tells its verdict; the exit status. */
async function demo(yes: boolean): Promise<number> {
  let debian;
  try {
    await ensureTools({ yes });
    debian = await guest("debian", { told: (text) => console.error(text) });
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }

  const outDir = await Deno.makeTempDir({ prefix: "vmwright-demo-" });
  const log = new Log([
    new TerminalListener(),
    new JunitListener(`${outDir}/junit.xml`),
    new HtmlListener(`${outDir}/report.html`),
  ]);
  const began = performance.now();
  let verdict: "passed" | "failed" = "passed";
  let reason: unknown;
  try {
    await using driver = await Driver.create({
      machines: [
        debian.startScriptFor("server", { number: 1 }),
        debian.startScriptFor("client", {
          number: 2,
          // Its screen is not looked at.
          kernelParameters: ["systemd.unit=multi-user.target"],
        }),
      ],
      vlans: [1],
      globalTimeout: 300,
      outDir,
      log,
      testScript: test,
    });
    await driver.runTests();
  } catch (error) {
    verdict = "failed";
    reason = error;
  }
  log.runEnded(verdict, reason);
  await log.close();

  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`\nThe test ${verdict} in ${seconds} seconds.`);
  if (reason !== undefined) {
    console.log(reason instanceof Error ? reason.message : String(reason));
  }
  console.log("What it left:");
  const names = [...Deno.readDirSync(outDir)].map(({ name }) => name).sort();
  for (const name of names) console.log(`  ${outDir}/${name}`);
  return verdict === "passed" ? 0 : reason instanceof UsageError ? 2 : 1;
}

/** The test itself, as an author would write it. */
async function test(driver: Driver<"qemu">): Promise<void> {
  const [client, server] = driver.machines;
  await driver.startAll();

  await driver.subtest("the server says that it serves", async () => {
    await server.waitForConsoleText(/Started A high performance web server/);
    await server.waitForOpenPort(80);
  });

  await driver.subtest(
    "the client fetches a page from the server",
    async () => {
      const page = await client.succeed("curl -sSf http://192.168.1.1/");
      driver.log.info(`the client got: ${page.trim()}`);
      if (page !== "This page is served by server\n") {
        throw new Error(
          `expected the server's page, got ${JSON.stringify(page)}`,
        );
      }
    },
  );

  await driver.subtest("the server shows its window", async () => {
    await server.waitForX();
    await server.waitForWindow(/vmwright window/);
    await server.screenshot("server");
  });
}
