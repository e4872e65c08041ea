import { compareAnswers } from "./answers.ts";
import { beforeStart, withoutSnapshot } from "./firecracker_refusals.ts";
import { standIn } from "./programs.ts";

async function ask(program: string, place: string): Promise<void> {
  await Deno.writeFile(`${place}/disk`, new Uint8Array(1 << 20));
  for (const [nr, exchanges] of [beforeStart, withoutSnapshot].entries()) {
    const socket = `${place}/api${nr}`;
    await compareAnswers({
      command: [program, "--api-sock", socket],
      socket,
      sign: "/",
      faultOf: (text) => JSON.parse(text).fault_message,
    }, exchanges(place));
  }
}

Deno.test("the stand-in for Firecracker refuses what Firecracker was seen to refuse", async () => {
  const place = await Deno.makeTempDir();
  try {
    await ask(await standIn("firecracker", place), place);
  } finally {
    await Deno.remove(place, { recursive: true });
  }
});

const real = Deno.env.get("VMWRIGHT_FIRECRACKER");
if (real === undefined) {
  console.log(
    "Skipped: Firecracker's own answers, since VMWRIGHT_FIRECRACKER names none",
  );
}
Deno.test({
  name: "the real Firecracker refuses the same",
  ignore: real === undefined,
  async fn() {
    const place = await Deno.makeTempDir();
    try {
      await ask(real!, place);
    } finally {
      await Deno.remove(place, { recursive: true });
    }
  },
});
