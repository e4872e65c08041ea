import { kernel } from "./kernel.ts";
import { moduleClosure } from "./kernel_modules.ts";
import { quoted } from "./start_script.ts";

/** Where distributions put it, outside of the path. */
const PLACES = ["/usr/libexec/virtiofsd", "/usr/lib/qemu/virtiofsd"];

/** The program that serves a directory to guests, where the host has one. */
export function virtiofsd(): string | undefined {
  const path = (Deno.env.get("PATH") ?? "").split(":");
  return [...path.map((directory) => `${directory}/virtiofsd`), ...PLACES]
    .find((program) => {
      try {
        return Deno.statSync(program).isFile;
      } catch {
        return false;
      }
    });
}

/**
 * The arguments that have it serve a directory. The older one, of QEMU itself,
 * has others.
 */
async function serving(program: string): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(program, {
    args: ["--help"],
    stdout: "piped",
    stderr: "piped",
  }).output();
  const help = [stdout, stderr].map((text) => new TextDecoder().decode(text))
    .join("");
  return help.includes("--shared-dir")
    ? '--shared-dir="$SHARED_DIR" --sandbox=chroot'
    : '-o source="$SHARED_DIR",sandbox=chroot';
}

/**
 * A start script beside another one that also shares its directory by virtiofs,
 * with the tag `shared`: a process in the background serves it, and finds the
 * guest's memory in a file that both have.
 *
 * @param place Where the script is written.
 * @param script A guest's own start script.
 * @param memory The guest's memory in MiB.
 */
export async function virtiofsScript(
  place: string,
  script: string,
  memory = 256,
): Promise<string> {
  const program = virtiofsd();
  if (program === undefined) throw new Error("Expected virtiofsd on this host");
  const path = `${place}/${script.slice(script.lastIndexOf("/") + 1)}`;
  await Deno.writeTextFile(
    path,
    `#!/bin/bash
socket=$TMPDIR/virtiofs
${quoted(program)} --socket-path="$socket" ${await serving(program)} &
# The socket is there a moment before it listens.
until grep -q " 00010000 .* $socket\$" /proc/net/unix; do sleep 0.05; done
QEMU_OPTS="\${QEMU_OPTS:-} \\
  -object memory-backend-memfd,id=shared-memory,size=${memory}M,share=on \\
  -machine memory-backend=shared-memory \\
  -chardev socket,id=virtiofs,path=$socket \\
  -device vhost-user-fs-pci,chardev=virtiofs,tag=shared" \\
  exec ${quoted(script)} "$@"
`,
    { mode: 0o755 },
  );
  return path;
}

/** The modules that a guest needs for it, and their files, in the order of loading. */
export async function virtiofsModules(): Promise<
  { name: string; path: string }[]
> {
  const { modules } = await kernel();
  const closure = await moduleClosure(modules, ["virtiofs"]);
  return closure.map(({ name, path }) => ({
    name,
    path: `${modules}/${path}`,
  }));
}
