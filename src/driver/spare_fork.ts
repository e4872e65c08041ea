import { removeTree } from "../backend/remove_tree.ts";
import type { RenewalOptions } from "../machine/mod.ts";
import { withhold } from "../report/log.ts";
import type { Member, SnapshotHost } from "./machine_set.ts";
import type { Spare } from "./spares.ts";

/** A fork that was made ahead. */
export interface SpareFork<Fork> extends Spare {
  /** The fork's number. */
  readonly number: number;
  /**
   * Resumes its machines, and reports the fork.
   *
   * @returns The fork; nothing if a machine does not go on, or has ended.
   */
  wake(options: RenewalOptions, room?: Disposable): Promise<Fork | undefined>;
}

/** What a {@linkcode SpareFork} is made of. */
export interface SpareForkParts<Fork> {
  /** The parts of its driver. */
  readonly host: SnapshotHost;
  /** The fork, which has no machines yet. */
  readonly fork: Fork;
  /** Gives it its machines, and answers those that are to go on. */
  equip(): Promise<readonly Member[]>;
  /**
   * Brings these machines as far as they can be before anybody asks for them;
   * answers how they go on.
   *
   * @param hurry Aborted when somebody waits for the fork.
   */
  load(
    members: readonly Member[],
    hurry: AbortSignal,
  ): Promise<(options: RenewalOptions) => Promise<void>>;
  /** Reports the fork, which its author owns from now on. */
  begin(room?: Disposable): void;
}

/**
 * Begins to make a fork that nobody has asked for yet. Nobody hears of it until
 * it is taken.
 */
export function makeSpareFork<
  Fork extends AsyncDisposable & { readonly number: number },
>({ host, fork, equip, load, begin }: SpareForkParts<Fork>): SpareFork<Fork> {
  const withheld = withhold(host.log);
  const apart = <T>(fn: () => T) => withheld.run(() => host.aside(fn));
  const hurry = new AbortController();
  let members: readonly Member[] = [];
  let goOn = (_options: RenewalOptions) => Promise.resolve();
  let ended: Promise<void> | undefined;
  const make = async () => {
    members = await equip();
    if (ended !== undefined) return false;
    goOn = await load(members, hurry.signal);
    return true;
  };
  const made = apart(make).catch((error) => {
    host.log.debug(`no fork is made ahead: ${error.message}`);
    return false;
  });
  const end = () =>
    ended ??= apart(async () => {
      try {
        await Promise.all(members.map(({ core }) => core.release()));
        await made;
        await fork[Symbol.asyncDispose]();
        for (const { core } of members) removeTree(core.console.path);
      } finally {
        withheld[Symbol.dispose]();
        host.forks.delete(spare);
      }
    });
  const spare: SpareFork<Fork> = {
    number: fork.number,
    made,
    hurry: () => hurry.abort(),
    wake: async (options, room) => {
      const goesOn = apart(async () => {
        if (members.some(({ core }) => !core.booted)) return false;
        await goOn(options);
        return true;
      });
      if (!await goesOn.catch(() => false)) return void await end();
      host.forks.delete(spare);
      begin(room);
      withheld.tell();
      return fork;
    },
    [Symbol.asyncDispose]: async () => {
      await end();
      host.forgetFork(fork.number);
    },
  };
  host.forks.add(spare);
  return spare;
}
