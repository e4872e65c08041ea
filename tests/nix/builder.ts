import { toText } from "@std/streams";
import { freePort } from "../free_port.ts";
import { run } from "../guests/run.ts";
import type { Nix } from "./nix.ts";
import { openSsh } from "./open_ssh.ts";

/** Mounts, processes and a host's name of its own, all gone with the first process. */
const namespaces = [
  "--mount",
  "--pid",
  "--fork",
  "--kill-child",
  "--mount-proc",
  "--uts",
];

/** Why no builder can be had here, if so. */
export async function missingBuilder(): Promise<string | undefined> {
  if (Deno.uid() !== 0) {
    return "a builder with a store of its own needs root, for mounts";
  }
  try {
    await run("unshare", [...namespaces, "mount", "-t", "tmpfs", "no", "/run"]);
    await openSsh();
  } catch (error) {
    return (error as Error).message;
  }
}

/** How the builder's namespace begins; its standard input ends it. */
const script = `
echo builder > /proc/sys/kernel/hostname
mount --bind "$builder/store" "$store"
mount --bind "$builder/var" "$state"
mount --bind "$builder/passwd" /etc/passwd
mount -t tmpfs none /run
mkdir -m 755 /run/sshd
"$sshd" -D -e -f "$builder/sshd_config" &
cat > /dev/null
`;

/**
 * A builder for a {@linkcode Nix}: reached over ssh on the loopback interface, with
 * a store of its own in place of that Nix's, as on another host.
 *
 * It lives in namespaces of its own, which end with it, or with who made it: no
 * process and no mount outlasts them.
 */
export class Builder implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #log: Promise<string>;
  readonly #folder: string;
  readonly #port: number;
  readonly #ssh: string;

  private constructor(
    child: Deno.ChildProcess,
    folder: string,
    port: number,
    ssh: string,
  ) {
    this.#child = child;
    this.#log = toText(child.stderr);
    this.#folder = folder;
    this.#port = port;
    this.#ssh = ssh;
  }

  /**
   * Starts a builder.
   *
   * @param nix Whose builder.
   * @throws {Error} It does not answer.
   */
  static async start(nix: Nix): Promise<Builder> {
    const ssh = await openSsh();
    const folder = nix.folder("builder");
    for (const name of ["store", "var"]) {
      nix.folder(name);
      nix.folder(`builder/${name}`);
    }
    for (const name of ["host_key", "key"]) {
      await run(`${ssh}/ssh-keygen`, [
        "-q",
        "-t",
        "ed25519",
        "-N",
        "",
        "-f",
        `${folder}/${name}`,
      ]);
    }
    const port = freePort("127.0.0.1");
    const hostKey = Deno.readTextFileSync(`${folder}/host_key.pub`);
    Deno.writeTextFileSync(
      `${folder}/known_hosts`,
      `[127.0.0.1]:${port} ${hostKey}`,
    );
    Deno.writeTextFileSync(
      `${folder}/sshd_config`,
      `ListenAddress 127.0.0.1:${port}
HostKey ${folder}/host_key
AuthorizedKeysFile ${folder}/key.pub
PermitRootLogin prohibit-password
PasswordAuthentication no
StrictModes no
UsePAM no
PidFile none
`,
    );
    // The server wants a user of its own, and root a shell.
    Deno.writeTextFileSync(
      `${folder}/passwd`,
      `root:x:0:0:root:${folder}:/bin/sh
sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin
`,
    );
    const environment = Object.entries(nix.environment)
      .map(([name, value]) => `export ${name}='${value}'\n`).join("");
    Deno.writeTextFileSync(
      `${folder}/nix-daemon`,
      `#!/bin/sh\n${environment}exec nix-daemon "$@"\n`,
      { mode: 0o755 },
    );
    const child = new Deno.Command("unshare", {
      args: [
        ...namespaces,
        "sh",
        "-euc",
        script,
      ],
      env: {
        builder: folder,
        store: nix.environment.NIX_STORE_DIR,
        state: nix.environment.NIX_STATE_DIR,
        sshd: `${ssh}/sshd`,
      },
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const builder = new Builder(child, folder, port, ssh);
    try {
      await builder.#answer();
    } catch (error) {
      await builder[Symbol.asyncDispose]();
      throw error;
    }
    return builder;
  }

  /**
   * The options of `nix` by which it builds there, too.
   *
   * @param jobs How many builds the builder runs at a time.
   */
  options(jobs: number): string[] {
    const store =
      `ssh-ng://root@127.0.0.1?remote-program=${this.#folder}/nix-daemon`;
    const machine = [
      store,
      `${Deno.build.arch}-linux`,
      `${this.#folder}/key`,
      jobs,
      1,
      "nixos-test,kvm,big-parallel",
    ];
    return ["--builders", machine.join(" ")];
  }

  /** The variables of `nix` by which it reaches the builder. */
  get environment(): Record<string, string> {
    return {
      PATH: `${this.#ssh}:${Deno.env.get("PATH") ?? "/usr/bin:/bin"}`,
      NIX_SSHOPTS: `-p ${this.#port} ${this.#sshOptions.join(" ")}`,
    };
  }

  /** Takes the builder away, and all that it runs, as where its host loses power. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It is gone already.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#child.status;
    await this.#log;
    await this.#child.stdin.close().catch(() => {});
  }

  get #sshOptions(): string[] {
    return [
      "-F",
      "/dev/null",
      "-o",
      `UserKnownHostsFile=${this.#folder}/known_hosts`,
      "-o",
      "BatchMode=yes",
    ];
  }

  async #answer(): Promise<void> {
    const ended = this.#child.status.then(() => true);
    for (;;) {
      const { success, stderr } = await new Deno.Command(`${this.#ssh}/ssh`, {
        args: [
          "-p",
          String(this.#port),
          ...this.#sshOptions,
          "-o",
          "ConnectionAttempts=20",
          "-i",
          `${this.#folder}/key`,
          "root@127.0.0.1",
          "true",
        ],
        stdin: "null",
        stdout: "null",
        stderr: "piped",
      }).output();
      if (success) return;
      if (await Promise.race([ended, Promise.resolve(false)])) {
        throw new Error(`the builder ended: ${await this.#log}`);
      }
      const said = new TextDecoder().decode(stderr);
      if (!said.includes("Connection refused")) {
        throw new Error(`the builder does not answer: ${said}`);
      }
    }
  }
}
