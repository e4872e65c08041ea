import { childReport } from "../child.ts";
import { timed } from "../clock.ts";
import { openLab } from "../lab.ts";
import type { Part } from "../part.ts";

/** Much output, and files into the guest. */
export const bulk: Part = {
  name: "bulk",
  async run({ longRounds, megabytes, files }, tell) {
    await using lab = await openLab();
    const { machine, classic, driver, directory } = lab;
    const [{ sharedDir }] = driver.machines;

    // A MiB of text that no two places of share.
    const text = "head -c 786432 /dev/urandom | base64 -w 0";
    await machine.succeed(`${text} >/blob`);
    const blob = await machine.succeed("cat /blob");
    const whole = blob.repeat(megabytes);
    const print = `cat ${Array(megabytes).fill("/blob").join(" ")}`;
    const output = { ours: [] as number[], other: [] as number[] };
    let lost = 0;
    for (let round = 0; round < longRounds; round++) {
      for (const side of ["ours", "other"] as const) {
        let got = "";
        output[side].push(
          await timed(async () => {
            got = await (side === "ours" ? machine : classic).succeed(print);
          }),
        );
        if (got === whole) continue;
        // The guest's console sometimes loses a part of so much text.
        if (side === "other") {
          lost++;
          continue;
        }
        const at = [...got].findIndex((c, index) => c !== whole[index]);
        throw new Error(
          `Expected ${whole.length} characters, got ${got.length}` +
            `, the first other one at ${at}`,
        );
      }
    }
    tell({
      name: `${megabytes} MiB of output, compared byte for byte`,
      unit: "ms",
      ...output,
      note: lost === 0
        ? undefined
        : `the model's was not whole in ${lost} of ${longRounds} rounds`,
    });

    const large = `${directory}/large`;
    await Deno.writeFile(large, noise(megabytes * 1024 * 1024));
    const tree = `${directory}/tree`;
    for (let n = 0; n < files; n++) {
      const place = `${tree}/${n % 50}`;
      if (n < 50) await Deno.mkdir(place, { recursive: true });
      await Deno.writeFile(`${place}/${n}`, noise(n % 2000));
    }
    const copies = [
      [`copyFromHost of ${megabytes} MiB in one file`, large],
      [`copyFromHost of ${files} small files`, tree],
    ] as const;
    const classicSamples: number[][] = [];
    for (const shared of [true, false]) {
      if (!shared) await machine.succeed("umount /tmp/shared");
      for (const [at, [name, source]] of copies.entries()) {
        const samples: number[] = [];
        const others: number[] = classicSamples[at] ??= [];
        for (let round = 0; round < longRounds; round++) {
          samples.push(
            await timed(() => machine.copyFromHost(source, "/copy")),
          );
          await machine.succeed("rm -r /copy");
          if (!shared) continue;
          others.push(
            await timed(() => classic.copyFromHost(source, "/copy", sharedDir)),
          );
          await machine.succeed("rm -r /copy");
        }
        tell({
          name: shared ? name : `${name}, without the shared directory`,
          unit: "ms",
          ours: samples,
          other: others,
          against: shared
            ? undefined
            : "the classic model with the shared directory, for it has no other way",
        });
      }
    }
  },
};

/** The driver's memory during large transfers. */
export const memory: Part = {
  name: "memory",
  async run({ longRounds, consoleMegabytes, megabytes }, tell) {
    const printed: number[] = [];
    const perMegabyte: number[] = [];
    const copied: number[] = [];
    const given: number[] = [];
    for (let round = 0; round < longRounds; round++) {
      const flood = await childReport("flood", consoleMegabytes);
      printed.push(flood.peak);
      perMegabyte.push(flood.cpu / consoleMegabytes);
      copied.push((await childReport("copy", megabytes)).peak);
      given.push((await childReport("output", megabytes)).peak);
    }
    tell({
      name: `driver memory, ${consoleMegabytes} MiB of console text`,
      unit: "MiB",
      ours: printed,
      aim: { atMost: 100 },
    });
    tell({
      name: "driver CPU per MiB of console text",
      unit: "ms/MiB",
      ours: perMegabyte,
    });
    tell({
      name: `driver memory, ${megabytes} MiB out of the guest over the channel`,
      unit: "MiB",
      ours: copied,
      note: "a file that is compared byte for byte",
    });
    tell({
      name: `driver memory, ${megabytes} MiB of a command's output`,
      unit: "MiB",
      ours: given,
      note: "with the output itself, which is one string",
    });
  },
};

/** Bytes that don't repeat. */
function noise(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65536));
  }
  return bytes;
}
