import { assertEquals, assertStringIncludes } from "@std/assert";
import { SuiteFolder } from "./stand_ins.ts";

/** MiB that the processes of the group may have. */
const MOST = 300;

/** A control group with little memory. */
class SmallGroup implements Disposable {
  private constructor(readonly path: string) {}

  /** Makes one; nothing where this process may not. */
  static make(): SmallGroup | undefined {
    const places = [
      ["/sys/fs/cgroup/memory", "memory.limit_in_bytes"],
      ["/sys/fs/cgroup", "memory.max"],
    ];
    for (const [parent, limit] of places) {
      const path = `${parent}/vmwright-test-${crypto.randomUUID()}`;
      try {
        Deno.mkdirSync(path);
      } catch {
        continue;
      }
      const group = new SmallGroup(path);
      try {
        Deno.writeTextFileSync(`${path}/${limit}`, `${MOST * 2 ** 20}`, {
          create: false,
        });
        return group;
      } catch {
        group[Symbol.dispose]();
      }
    }
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path);
  }
}

Deno.test("a test that the kernel kills for its memory is reported so, and hurts no other", async () => {
  using group = SmallGroup.make();
  if (group === undefined) {
    console.log("no control group with a limit of memory can be made here");
    return;
  }
  using suite = new SuiteFolder({
    eats: { script: "eats.ts", env: { GROUP: group.path } },
    passes: { script: "passes.ts" },
  }, {
    "eats.ts": `
Deno.writeTextFileSync(\`\${Deno.env.get("GROUP")}/cgroup.procs\`, \`\${Deno.pid}\`);
const eaten = [];
for (;;) eaten.push(new Uint8Array(2 ** 24).fill(1));
`,
  });
  const { stderr } = await suite.run();
  assertEquals(suite.verdicts(), { eats: "crashed", passes: "passed" }, stderr);
  assertStringIncludes(
    stderr,
    "its process was ended by SIGKILL; meanwhile the host ran out of memory, and its kernel killed a process",
  );
  await suite.assertNothingLeft();
});
