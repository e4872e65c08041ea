import { type BaseMachine, retry } from "../../../mod.ts";

/** Echoes that came back, the doubled ones too, and how late they were. */
export interface Echoes {
  readonly answers: number;
  readonly milliseconds: number[];
}

/** Sends some echoes, and waits a second for their answers. */
export async function ping(
  machine: BaseMachine,
  address: string,
  count = 3,
): Promise<Echoes> {
  const [, said] = await machine.execute(
    `busybox ping -c ${count} -i 0.1 -W 1 ${address}`,
  );
  const milliseconds = [...said.matchAll(/time=([\d.]+) ms/g)]
    .map(([, time]) => Number(time));
  return { answers: milliseconds.length, milliseconds };
}

/**
 * Sends some echoes until so many come back. The driver carries the frames, so
 * where it stands still for a second, they come too late.
 */
export async function answered(
  machine: BaseMachine,
  address: string,
  { count = 3, least = count }: { count?: number; least?: number } = {},
): Promise<Echoes> {
  let echoes: Echoes;
  await retry(async () => {
    echoes = await ping(machine, address, count);
    return echoes.answers >= least;
  }, 120);
  return echoes!;
}

/** Waits until a machine hears another. */
export async function hears(
  machine: BaseMachine,
  address: string,
): Promise<void> {
  await machine.waitUntilSucceeds(`busybox ping -c 1 -W 1 ${address}`, {
    timeout: 120,
  });
}
