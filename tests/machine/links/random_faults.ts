import type {
  BaseMachine,
  Driver,
  Fault,
  Link,
  LinkSettings,
} from "../../../mod.ts";

/** What the faults are of: machines, their links to one VLAN, and that. */
export interface Faulty {
  readonly driver: Driver;
  /** The one that speaks to the other meanwhile, at this address. */
  readonly speaker: BaseMachine;
  readonly address: string;
  readonly links: readonly [Link, Link];
  /** Parts the machines, perhaps in one direction alone. */
  partition(oneWay: boolean): Promise<Fault>;
}

/**
 * Begins a hundred faults at random in a subtest, which ends them, and heals some
 * before that. `SEED` in the environment repeats them.
 */
export async function randomFaults(
  { driver, speaker, address, links, partition }: Faulty,
): Promise<void> {
  let seed = Number(Deno.env.get("SEED") ?? Date.now() % 1e6);
  console.log(`SEED=${seed}`);
  const draw = (count: number) => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return Math.floor(seed / 2 ** 31 * count);
  };
  const settings: LinkSettings[] = [
    { delay: 0.01, jitter: 0.01 },
    { loss: 0.3, direction: "send" },
    { duplicate: 0.2, corrupt: 0.1 },
    { reorder: 0.5, direction: "receive" },
    { bandwidth: 1e6 },
    {},
  ];
  const begin: (() => Promise<Fault>)[] = [
    () => links[draw(2)].set(settings[draw(settings.length)]),
    () => links[draw(2)].set(settings[draw(settings.length)]),
    () => links[draw(2)].down(),
    () => partition(draw(2) === 0),
    () => links[draw(2)].capture({ name: `random${draw(5)}` }),
  ];
  await driver.subtest("random", async () => {
    await speaker.execute(
      `echo $BASHPID >/tmp/pinger; exec busybox ping -i 0.02 ${address} >/dev/null`,
      { checkOutput: false },
    );
    const faults: Fault[] = [];
    for (let n = 0; n < 100; n++) {
      faults.push(await begin[draw(begin.length)]());
      if (draw(2) === 0) {
        await faults.splice(draw(faults.length), 1)[0].heal();
      }
      // The driver's own channel is not on any link.
      if (n % 20 === 0) await speaker.succeed("true");
    }
  });
  await speaker.succeed("kill $(cat /tmp/pinger)");
}
