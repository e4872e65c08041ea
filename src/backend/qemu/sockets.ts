import { closeQuietly } from "../../stream/mod.ts";
import type { SocketDirectory } from "../socket_directory.ts";
import { SOCKET_NAMES } from "./arguments.ts";

/** The sockets between the driver and one QEMU. */
export class Sockets {
  readonly #directory: SocketDirectory;
  readonly #listeners = new Map<string, Deno.Listener>();
  readonly #connections = new Set<Deno.Conn>();

  /** Takes the directory for them. */
  constructor(directory: SocketDirectory) {
    this.#directory = directory;
  }

  /** How many connections there have been. */
  get accepted(): number {
    return this.#connections.size;
  }

  /** The path of the socket that carries `name`. */
  path(name: string): string {
    return `${this.#directory.path}/${name}`;
  }

  /** Listens for the one connection that QEMU makes. */
  async accept(name: string): Promise<Deno.Conn> {
    try {
      Deno.removeSync(this.path(name));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    const listener = Deno.listen({ transport: "unix", path: this.path(name) });
    this.#listeners.set(name, listener);
    const connection = await listener.accept();
    this.#connections.add(connection);
    listener.close();
    this.#listeners.delete(name);
    return connection;
  }

  /** Stops listening, and removes the socket. */
  async refuse(name: string): Promise<void> {
    this.#listeners.get(name)?.close();
    this.#listeners.delete(name);
    await Deno.remove(this.path(name)).catch(() => {});
  }

  /** Closes a connection. */
  close(connection: Deno.Conn): void {
    this.#connections.delete(connection);
    closeQuietly(connection);
  }

  /** Closes the connections of a QEMU that did not start. */
  hangUp(): void {
    this.#connections.forEach(closeQuietly);
  }

  /** Removes all sockets. */
  async remove(): Promise<void> {
    for (const name of [...this.#listeners.keys()]) await this.refuse(name);
    for (const name of SOCKET_NAMES) {
      await Deno.remove(this.path(name)).catch(() => {});
    }
    await this.#directory.remove();
  }
}
