import { cloudKernel, kernel } from "../guests/kernel.ts";
import { compareAnswers } from "./answers.ts";
import { withoutGuest } from "./cloud_hypervisor_refusals.ts";
import { standIn } from "./programs.ts";

async function ask(program: string, place: string): Promise<void> {
  // The real one reads it before it looks for disks.

  const { image } = await kernel(undefined, cloudKernel);
  await Deno.symlink(image, `${place}/kernel`);
  await Deno.writeTextFile(`${place}/events`, "");
  const socket = `${place}/api`;
  await compareAnswers({
    command: [
      program,
      ...["--api-socket", `path=${socket}`],
      ...["--event-monitor", `path=${place}/events`],
    ],
    socket,
    sign: "/api/v1/vmm.ping",
    faultOf: (text) => JSON.parse(text).join(": "),
  }, withoutGuest(place));
}

Deno.test("the stand-in for Cloud Hypervisor refuses what Cloud Hypervisor was seen to refuse", async () => {
  const place = await Deno.makeTempDir();
  try {
    await ask(await standIn("cloud-hypervisor", place), place);
  } finally {
    await Deno.remove(place, { recursive: true });
  }
});

const real = Deno.env.get("VMWRIGHT_CLOUD_HYPERVISOR");
if (real === undefined) {
  console.log(
    "Skipped: Cloud Hypervisor's own answers, since " +
      "VMWRIGHT_CLOUD_HYPERVISOR names none",
  );
}
Deno.test({
  name: "the real Cloud Hypervisor refuses the same",
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
