import { Driver, type DriverOptions, Log, type MachineOf } from "../../mod.ts";
import { type ContainerOptions, containerScript } from "../guests/container.ts";

/** What a test of containers works with. */
export interface Contained extends AsyncDisposable {
  readonly driver: Driver;
  /** The first container. */
  readonly jail: MachineOf<"nspawn">;
  /** Removed at the end, as is all in it. */
  readonly place: string;
  /** Below {@linkcode place}. */
  readonly outDir: string;
}

/** What {@linkcode contained} takes. */
export interface ContainedOptions extends DriverOptions {
  /** The containers, by name; by default, `jail` without a network. */
  containers?: Record<string, ContainerOptions>;
}

/** A driver with containers, and machines beside them. */
export async function contained(
  options: ContainedOptions = {},
): Promise<Contained> {
  const { containers = { jail: {} }, machines = [], ...rest } = options;
  const place = await Deno.makeTempDir({ prefix: "contained-" });
  const outDir = `${place}/out`;
  await Deno.mkdir(outDir);
  const log = new Log([]);
  const driver = await Driver.create({
    outDir,
    log,
    ...rest,
    machines: [
      ...Object.entries(containers).map(([name, options]) =>
        containerScript(place, name, options)
      ),
      ...machines,
    ],
  });
  return {
    driver,
    jail: driver.machinesNspawn[0],
    place,
    outDir,
    async [Symbol.asyncDispose]() {
      await driver[Symbol.asyncDispose]();
      await log.close();
      await Deno.remove(place, { recursive: true });
    },
  };
}
