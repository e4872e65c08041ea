import type { GuestSnapshots } from "../../backend/mod.ts";
import { MachineError } from "../../errors.ts";
import { after, within } from "../../time/mod.ts";
import type { MachineCore } from "../core.ts";
import { attend, type Attendant, instruct } from "./attendant.ts";
import type { SavedMachine } from "./saved_machine.ts";
import {
  mountedShares,
  mountMissing,
  type Share,
  unmountShare,
} from "./shares.ts";

/** Seconds in which a guest's shell has to answer before the save. */
const ANSWER_TIMEOUT = 60;

/**
 * Saves one machine, step by step, so that several can be saved at one moment:
 * the caller takes each step with all of them before the next.
 */
export class MachineSaver implements AsyncDisposable {
  readonly core: MachineCore;
  readonly #snapshots: GuestSnapshots;
  readonly #shares: Share[] = [];
  #attendant?: Attendant;
  #held?: Disposable;
  #isPaused = false;

  /**
   * Takes a running machine.
   *
   * @param method The method that needs this, as scripts write it.
   * @throws {MachineError} if its hypervisor can't save machines.
   */
  constructor(core: MachineCore, method: string) {
    this.core = core;
    this.#snapshots = core.capability("snapshots", method);
  }

  /**
   * Waits for the guest's shell, and lets the guest unmount shares, which can't
   * be saved.
   *
   * @throws {MachineError} if something else can't be saved.
   */
  async prepare(): Promise<void> {
    await this.core.ready();
    let obstacles = await this.#snapshots.obstacles();
    const tags = new Set(obstacles.map(({ tag }) => tag));
    if (obstacles.some(({ tag }) => tag !== undefined)) {
      const mounted = (await mountedShares(this.core)).filter((share) =>
        tags.has(share.tag)
      );
      const own = new Set(
        obstacles.filter(({ source }) => source === this.#sharedDir)
          .map(({ tag }) => tag),
      );
      // The last share may be mounted on top of earlier ones.
      for (const share of mounted.reverse()) {
        if (!own.has(share.tag)) continue;
        await unmountShare(this.core, share);
        this.#shares.unshift(share);
      }
      obstacles = await this.#snapshots.obstacles();
      const first = obstacles.find(({ tag }) =>
        mounted.some((share) => share.tag === tag)
      );
      const places = mounted.filter(({ tag }) => tag === first?.tag)
        .map(({ place }) => place);
      if (first !== undefined) {
        const what = first.source === undefined
          ? `the virtiofs share "${first.tag}"`
          : `the 9p share "${first.tag}" (${first.source})`;
        const way = first.source === undefined
          ? "its start script would have to do without it"
          : "the guest would have to unmount it";
        throw new MachineError(
          `${this.core.name} can't be saved while it has ${what} mounted at ${
            places.join(" and ")
          }: ${way}, or what is there would have to be on a disk (in NixOS ` +
            "tests, virtualisation.useNixStoreImage = true)",
        );
      }
    }
    if (obstacles.length === 0) {
      this.#attendant = await attend(this.core);
      return;
    }
    throw new MachineError(
      `${this.core.name} can't be saved: ${
        obstacles.map(({ reason }) => reason).join("; ")
      }`,
    );
  }

  get #sharedDir(): string {
    return this.core.context.sharedDir;
  }

  /** Sends the guest nothing until it goes on. */
  async hold(): Promise<void> {
    const { shell } = this.core.running();
    const held = Promise.withResolvers<void>();
    this.#held = { [Symbol.dispose]: () => held.resolve() };
    if (this.#snapshots.endsConnections) {
      return await this.#leave(held.promise);
    }
    await within(ANSWER_TIMEOUT, shell.rest().then(() => true)) ??
      this.#unanswered();
    shell.hold(held.promise);
  }

  /** Leaves a guest that is saved without connections. */
  async #leave(until: Promise<void>): Promise<void> {
    const { shell } = this.core.running();
    const late = new AbortController();
    const cancel = after(ANSWER_TIMEOUT, () => late.abort());
    try {
      await shell.leave(until, late.signal);
    } catch (error) {
      if (!late.signal.aborted) throw error;
      const { running } = shell;
      if (running === undefined) this.#unanswered();
      throw new MachineError(
        `${this.core.name} can't be saved while \`${running}\` runs, which has ` +
          `not ended in ${ANSWER_TIMEOUT} seconds: ${this.core.hypervisor} ends ` +
          "the connections to a guest that it saves, and with them the command",
      );
    } finally {
      cancel();
    }
  }

  #unanswered(): never {
    throw new MachineError(
      `${this.core.name} can't be saved: its shell has not answered in ` +
        `${ANSWER_TIMEOUT} seconds`,
    );
  }

  /** Why only one such machine can run at a time; nothing if several can. */
  rivalry(): Promise<string | undefined> {
    return this.#snapshots.rivalry();
  }

  /** Pauses the guest. */
  async pause(): Promise<void> {
    this.#isPaused = true;
    await this.#snapshots.pause();
  }

  /** Waits until everything that the guest has written was read. */
  drained(): Promise<void> {
    return this.#snapshots.drained();
  }

  /**
   * Saves the guest, which stands still.
   *
   * @param directory A directory for this machine alone.
   */
  async save(directory: string): Promise<SavedMachine> {
    const { core } = this;
    const { shell, started } = core.running();
    return {
      name: core.name,
      // This comes before the first await, so that they are as they were at the
      // pause.
      shell: this.#snapshots.endsConnections ? undefined : shell.save(),
      console: core.console.save(),
      shares: [...this.#shares],
      attendant: this.#attendant,
      started,
      memory: await this.#snapshots.memory(),
      guest: await this.#snapshots.save(directory),
    };
  }

  /**
   * Lays out the saved state so that others can go on from it fast; the machine
   * may run meanwhile, and may have ended.
   *
   * @param signal Ends this.
   */
  async layOut(
    saved: SavedMachine,
    signal: AbortSignal,
  ): Promise<SavedMachine> {
    return {
      ...saved,
      guest: await this.#snapshots.layOut(saved.guest, signal),
    };
  }

  /** Resumes the guest. */
  async go(): Promise<void> {
    if (this.#isPaused) await this.#snapshots.go();
    this.#isPaused = false;
    this.#held?.[Symbol.dispose]();
    this.#held = undefined;
  }

  /**
   * Resumes the guest with everything that it had, however far the save came.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.go();
    const shares = this.#shares.splice(0);
    const undone = this.#attendant &&
      await instruct(this.core, this.#attendant, { shares });
    const isLeft = shares.length > 0 && undone?.shares !== false;
    if (isLeft) await mountMissing(this.core, shares);
  }
}
