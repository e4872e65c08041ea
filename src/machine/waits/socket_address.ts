import { UsageError } from "../../errors.ts";
import { type ByteStream, closeQuietly } from "../../stream/mod.ts";

/** An address at which one connection can be made. */
export interface MeetingPlace extends AsyncDisposable {
  /** The address, for messages. */
  readonly address: string;
  /** Waits for the connection. */
  accept(signal: AbortSignal): Promise<ByteStream>;
}

/**
 * Reads an address in the format of socat, for UNIX sockets and TCP:
 * `unix-listen:PATH` and `tcp-listen:PORT` wait for a connection, on the
 * loopback interface; `unix-connect:PATH` and `tcp:HOST:PORT` make one. A path
 * alone, `unix:PATH` where there is no socket yet, and a port alone listen. It
 * ignores options after a comma.
 *
 * @throws {UsageError} for anything else.
 */
export function listenAt(address: string): MeetingPlace {
  const [what] = address.split(",");
  const [, kind = "", place] = /^(?:([a-z\d-]+):)?(.*)$/i.exec(what)!;
  switch (kind.toLowerCase()) {
    case "":
      if (/^\d+$/.test(place)) return listenTcp(place, address);
      if (place.includes("/")) return listenUnix(place);
      break;
    case "unix":
      if (place === "") break;
      return isSocket(place) ? connectUnix(place) : listenUnix(place);
    case "unix-listen":
    case "unix-l":
      return listenUnix(place);
    case "unix-connect":
      return connectUnix(place);
    case "tcp-listen":
    case "tcp-l":
    case "tcp4-listen":
      return listenTcp(place, address);
    case "tcp":
    case "tcp4":
    case "tcp-connect": {
      const at = place.lastIndexOf(":");
      const hostname = place.slice(0, at).replace(/^\[|\]$/g, "");
      if (at <= 0) break;
      return connect({ hostname, port: portOf(place.slice(at + 1), address) });
    }
  }
  throw new UsageError(
    `Expected an address such as unix-listen:PATH, tcp-listen:PORT, unix-connect:PATH or tcp:HOST:PORT, got ${
      JSON.stringify(address)
    }`,
  );
}

function portOf(text: string, address: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65535) return port;
  throw new UsageError(
    `Expected a TCP port from 0 to 65535 in ${JSON.stringify(address)}`,
  );
}

function listenTcp(text: string, address: string): MeetingPlace {
  const listener = Deno.listen({
    hostname: "127.0.0.1",
    port: portOf(text, address),
  });
  return listening(listener, `tcp:127.0.0.1:${listener.addr.port}`);
}

function listenUnix(path: string): MeetingPlace {
  const listener = Deno.listen({ transport: "unix", path });
  return listening(listener, `unix:${path}`, () => {
    try {
      Deno.removeSync(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  });
}

function listening(
  listener: Deno.Listener,
  address: string,
  cleanUp: () => void = () => {},
): MeetingPlace {
  let connection: Deno.Conn | undefined;
  let isOpen = true;
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    listener.close();
    cleanUp();
  };
  return {
    address,
    async accept(signal) {
      signal.throwIfAborted();
      signal.addEventListener("abort", close, { once: true });
      try {
        return connection = await listener.accept();
      } catch (error) {
        signal.throwIfAborted();
        throw error;
      } finally {
        signal.removeEventListener("abort", close);
        close();
      }
    },
    [Symbol.asyncDispose]() {
      close();
      closeQuietly(connection);
      return Promise.resolve();
    },
  };
}

function connectUnix(path: string): MeetingPlace {
  return connecting(
    () => Deno.connect({ transport: "unix", path }),
    `unix:${path}`,
  );
}

function connect(options: Deno.ConnectOptions): MeetingPlace {
  return connecting(
    () => Deno.connect(options),
    `tcp:${options.hostname}:${options.port}`,
  );
}

function connecting(
  make: () => Promise<Deno.Conn>,
  address: string,
): MeetingPlace {
  let connection: Deno.Conn | undefined;
  return {
    address,
    accept: async () => connection = await make(),
    [Symbol.asyncDispose]() {
      closeQuietly(connection);
      return Promise.resolve();
    },
  };
}

function isSocket(path: string): boolean {
  try {
    return Deno.statSync(path).isSocket ?? false;
  } catch {
    return false;
  }
}
