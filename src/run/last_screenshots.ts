import type { Driver } from "../driver/mod.ts";
import { fileName } from "../machine/file_name.ts";
import { QemuMachine } from "../machine/mod.ts";
import { within } from "../time/mod.ts";

/** Seconds that all of them may take together. */
const AT_MOST = 2;

/**
 * Takes a picture of each running machine's screen into `<name>-failed.png`,
 * for whoever asks what went wrong. A machine without a screen has none.
 *
 * @param driver The driver of a run that has failed.
 */
export async function takeLastScreenshots(driver: Driver): Promise<void> {
  const running = driver.machinesMade.filter((machine) => machine.booted);
  const shown = running.filter((machine) => machine instanceof QemuMachine);
  const taken = Promise.all(shown.map(async (machine) => {
    const path = `${driver.outDir}/${fileName(machine.name)}-failed.png`;
    try {
      await machine.qmpClient.send("screendump", {
        filename: path,
        format: "png",
      });
      driver.log.screenshot(machine.name, path);
    } catch {
      // The failure that is to be told is another one.
    }
  }));
  await within(AT_MOST, taken);
}
