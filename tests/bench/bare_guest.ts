import { ClassicMachine } from "./classic.ts";

/** A guest started by hand: a start script and a console for its shell. */
export interface BareGuest {
  readonly machine: ClassicMachine;
  readonly sharedDir: string;
  /** Ends the guest and waits until it is gone. */
  stop(): Promise<void>;
}

/**
 * Starts a guest as the classic driver does, without anything around it.
 *
 * @param onSerial Takes what the serial port says.
 */
export async function startBareGuest(
  startScript: string,
  directory: string,
  onSerial: (chunk: Uint8Array) => void = () => {},
): Promise<BareGuest> {
  const sharedDir = `${directory}/shared`;
  await Deno.mkdir(sharedDir, { recursive: true });
  const path = `${directory}/shell`;
  using listener = Deno.listen({ transport: "unix", path });
  const process = new Deno.Command(startScript, {
    args: [
      ...["-chardev", `socket,id=shell,path=${path}`],
      ...["-device", "virtio-serial", "-device", "virtconsole,chardev=shell"],
      ...["-device", "virtio-rng-pci", "-serial", "stdio", "-monitor", "none"],
      ...["-no-reboot", "-nographic"],
    ],
    cwd: directory,
    env: { TMPDIR: directory, SHARED_DIR: sharedDir, USE_TMPDIR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const serial = (async () => {
    for await (const chunk of process.stdout) onSerial(chunk);
  })();
  const stream = await listener.accept();
  return {
    machine: new ClassicMachine(stream),
    sharedDir,
    async stop() {
      process.kill("SIGTERM");
      await process.status;
      await serial;
      stream.close();
    },
  };
}
