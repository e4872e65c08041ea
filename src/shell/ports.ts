import type { ShellLost } from "./errors.ts";
import type { Message } from "./message.ts";
import { Port } from "./port.ts";
import type { PortSurroundings } from "./port_surroundings.ts";
import { PortStream, type ShellPort } from "./port_stream.ts";
import type { SavedShell } from "./saved_shell.ts";
import { StderrPort } from "./stderr_port.ts";

/** All ports that lead into a guest, by their names there. */
export class Ports {
  /** Those that carry commands. */
  readonly forCommands: readonly Port[];
  /** Those that carry stderr. */
  readonly forStderr: readonly StderrPort[];
  readonly #streams: readonly PortStream[];

  /** Listens to the ports from now on. */
  constructor(
    ports: readonly ShellPort[],
    token: string,
    surroundings: PortSurroundings,
  ) {
    const streams = ports.map((port) => new PortStream(port, token));
    this.#streams = streams;
    const isForStderr = ({ name }: PortStream) => name.startsWith("vw.err.");
    this.forCommands = streams.filter((stream) => !isForStderr(stream))
      .map((stream) => new Port(stream, surroundings));
    this.forStderr = streams.filter(isForStderr)
      .map((stream) => new StderrPort(stream, surroundings));
  }

  /**
   * Whether the guest has not yet named any port for commands, although there
   * are some.
   */
  get areLacking(): boolean {
    return this.forCommands.length > 0 && !this.areThere;
  }

  /** Whether the guest has ports for commands. */
  get areThere(): boolean {
    return this.forCommands.some(({ is }) => is !== "absent");
  }

  /** The guest's shell is there, so that connections to the guest can be made. */
  reachable(): void {
    for (const port of this.forCommands) if (port.isDialled) port.found();
  }

  /** A port for commands. */
  named(name: string): Port | undefined {
    return this.forCommands.find((port) => port.name === name);
  }

  /** The guest's side has sent a message about a port. */
  hear(
    message: Message & { verb: "port" | "open" | "alive" | "lost" | "still" },
  ): void {
    const port = this.named(message.name);
    switch (message.verb) {
      case "port":
        port?.found();
        this.#stderr(message.name)?.found(message.device);
        return;
      case "open":
        return port?.opened(message.mark);
      case "alive":
        return message.death === undefined
          ? port?.opened(message.mark!)
          : port?.failed(message.mark!);
      case "lost":
        return port?.lost(message.status);
      case "still":
        port?.still();
        this.#stderr(message.name)?.still();
    }
  }

  /**
   * The hypervisor says that no process in the guest has a port open any more.
   */
  closed(name: string): void {
    this.named(name)?.closed();
    this.#stderr(name)?.closed();
  }

  /** The guest's shell is gone. */
  lose(error: ShellLost): void {
    for (const port of this.forCommands) port.lose(error);
    for (const port of this.forStderr) port.lose();
  }

  /** The states of all ports, for another host that restores the guest. */
  save(): Pick<SavedShell, "ports" | "stderrPorts"> {
    return {
      ports: statesOf(this.forCommands),
      stderrPorts: statesOf(this.forStderr),
    };
  }

  /** Begins with the states that another host has saved. */
  takeUp({ ports, stderrPorts }: SavedShell): void {
    for (const [name, state] of Object.entries(ports)) {
      this.named(name)?.takeUp(state);
    }
    for (const [name, state] of Object.entries(stderrPorts)) {
      this.#stderr(name)?.takeUp(state);
    }
  }

  /** Holds back all further writes until a promise is fulfilled. */
  hold(until: Promise<void>): void {
    for (const stream of this.#streams) stream.hold(until);
  }

  /** Waits until all streams were read to their ends. */
  async ended(): Promise<void> {
    await Promise.all(this.#streams.map(({ end }) => end));
  }

  /** Closes the host's ends. */
  close(): void {
    for (const port of [...this.forCommands, ...this.forStderr]) port.close();
  }

  #stderr(name: string): StderrPort | undefined {
    return this.forStderr.find((port) => port.name === name);
  }
}

function statesOf<T>(
  ports: readonly { name: string; atRest: T }[],
): Record<string, T> {
  return Object.fromEntries(ports.map(({ name, atRest }) => [name, atRest]));
}
