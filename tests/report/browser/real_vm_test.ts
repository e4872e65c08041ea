import { assert, assertEquals, assertMatch } from "@std/assert";
import { guest } from "../../guests/mod.ts";
import { Screen } from "./screen.ts";

const root = new URL("../../../", import.meta.url).pathname;
const { startScriptFor } = await guest("tiny");

/** The command line as a process, with the project's own configuration. */
function vmwright(...args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", `${root}cli.ts`, ...args],
    cwd: root,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

const script = `await subtest("the kernel", async () => {
  await web.succeed("uname -s; echo to stderr >&2");
  await web.screenshot("screen");
});
await web.succeed("cat /absent", { timeout: 60 });
`;

Deno.test("a real run is on its page, and on that which its events make", async () => {
  await using screen = await Screen.open();
  const { folder } = screen;
  Deno.writeTextFileSync(`${folder}/test.ts`, script);
  const machine = ["--start-scripts", startScriptFor("web"), "-o", folder];
  const { code } = await vmwright(
    ...[...machine, "--no-check", "--events", "events.jsonl"],
    ...["--", `${folder}/test.ts`],
  ).status;
  assertEquals(code, 1);
  const report = ["report", `${folder}/events.jsonl`, "-o", folder];
  const made = await vmwright(...report, "--html", "made.html").status;
  assertEquals(made.code, 0);
  for (const name of ["report", "made"]) {
    await screen.look(`${folder}/${name}.html`, async (page) => {
      const detail = page.locator(".detail");
      assertEquals(
        await detail.locator("h2 bdi").innerText(),
        "must succeed: cat /absent",
      );
      assertMatch(
        await detail.locator(".source [aria-current]").innerText(),
        /web\.succeed\("cat \/absent"/,
      );
      await detail.getByText("No such file or directory").first().waitFor();
      await page.locator(".row", { hasText: "uname" }).click();
      await detail.locator(".output", { hasText: "Linux" }).waitFor();
      await page.locator(".row", { hasText: "making screenshot" }).click();
      await detail.locator("figure img").waitFor();
      await page.getByRole("tab", { name: "Console" }).click();
      await page.locator(".lines .line").first().waitFor();
      await page.getByRole("tab", { name: "Run" }).click();
      await page.getByText("QEMU version").waitFor();
    });
  }
});

Deno.test("a page is made of the events of a driver that was killed", async () => {
  await using screen = await Screen.open();
  const { folder } = screen;
  Deno.writeTextFileSync(
    `${folder}/test.ts`,
    `await web.succeed("uname -s");\nawait web.succeed("sleep 600");\n`,
  );
  const driver = vmwright(
    ...["--start-scripts", startScriptFor("web"), "-o", folder, "--no-check"],
    ...["--events", "events.jsonl", "--", `${folder}/test.ts`],
  );
  const written = async () => {
    try {
      return await Deno.readTextFile(`${folder}/events.jsonl`);
    } catch {
      return "";
    }
  };
  while (!(await written()).includes("must succeed: sleep 600")) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  driver.kill("SIGKILL");
  await driver.status;
  const { code } = await vmwright(
    ...[
      "report",
      `${folder}/events.jsonl`,
      "-o",
      folder,
      "--html",
      "made.html",
    ],
  ).status;
  assertEquals(code, 0);
  await screen.look(`${folder}/made.html`, async (page) => {
    assertMatch(await page.locator(".top").innerText(), /unfinished/);
    const rows = await page.locator(".row .what").allInnerTexts();
    assert(rows.includes("must succeed: uname -s"), rows.join());
    assert(rows.includes("must succeed: sleep 600"), rows.join());
  });
});
