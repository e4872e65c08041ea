// What tests/lab/classic_driver.ts asks of a machine by a script in TypeScript.
// The figures are milliseconds.
const FILE = "/tmp/there";
const given = (name: string) => Deno.env.get(`LAB_${name}`)!;

async function milliseconds(action: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await action();
  return performance.now() - began;
}

async function each(command: string): Promise<number[]> {
  const took: number[] = [];
  for (let n = 0; n < Number(given("COMMANDS")); n++) {
    took.push(await milliseconds(() => tiny.succeed(command)));
  }
  return took;
}

const boot = [await milliseconds(() => tiny.succeed("true"))];
const builtin = await each("true");
const program = await each("/bin/true");

const trigger = await Deno.connect({
  transport: "unix",
  path: given("TRIGGER"),
});
await tiny.succeed(given("LISTEN"));
const reaction: number[] = [];
for (let n = 0; n < Number(given("WAITS")); n++) {
  await tiny.succeed(`rm -f ${FILE}`);
  let made = 0;
  setTimeout(() => {
    made = performance.now();
    void trigger.write(new TextEncoder().encode(`: >${FILE}\n`));
  }, 1000 + Math.random() * 1000);
  await tiny.waitForFile(FILE);
  reaction.push(performance.now() - made);
}
trigger.close();

await Deno.writeTextFile(
  given("FIGURES"),
  JSON.stringify({ boot, builtin, program, reaction }),
);
