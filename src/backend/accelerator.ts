import { directoryOf } from "../paths.ts";
import { shellQuote } from "../shell/mod.ts";
import { within } from "../time/mod.ts";
import { Supervisor } from "./supervisor.ts";

/**
 * A boot sector that enters long mode with paging, walks its page table a few
 * times, counts to 50 million and tells QEMU's `isa-debug-exit` device 0x10. It
 * is not enough that `/dev/kvm` opens, or that it runs a few instructions in
 * real mode. It is not even enough that it runs all of them: for guests that
 * the processor can't run, KVM emulates each instruction, and such a guest is
 * far slower than one that QEMU translates.
 */
const bootSector = [
  "fa", //                   cli
  "31c0 8ed0 8ed8 8ec0", //  xor ax, ax; mov ss, ax; mov ds, ax; mov es, ax
  "bc0070", //               mov sp, 0x7000
  "66bf00100000", //         mov edi, 0x1000
  "6631c0", //               xor eax, eax
  "66b9000c0000", //         mov ecx, 0xc00
  "fc f366ab", //            cld; rep stosd: three empty tables
  "66c706001003200000", //   mov dword [0x1000], 0x2003
  "66c706002003300000", //   mov dword [0x2000], 0x3003
  "66c706003083000000", //   mov dword [0x3000], 0x83: 2 MiB, where they are
  "66b820000000 0f22e0", //  mov eax, PAE; mov cr4, eax
  "66b800100000 0f22d8", //  mov eax, 0x1000; mov cr3, eax
  "66b9800000c0", //         mov ecx, EFER
  "0f32 660d00010000 0f30", // rdmsr; or eax, LME; wrmsr
  "0f0116 a27c", //          lgdt [0x7ca2]
  "0f20c0 660d01000080", //  mov eax, cr0; or eax, PG | PE
  "0f22c0", //               mov cr0, eax
  "ea 727c 0800", //         jmp 8:0x7c72
  "b9c8000000", //           mov ecx, 200
  "0f20d8 0f22d8", //        mov rax, cr3; mov cr3, rax: forget translations
  "8b042500800000", //       mov eax, [0x8000]
  "e2f1", //                 loop
  "b980f0fa02 e2fe", //      mov ecx, 50_000_000; loop here
  "b010 e6f4 f4", //         mov al, 0x10; out 0xf4, al; hlt
  "0000000000000000", //     no segment
  "00000000009a2000", //     64-bit code
  "0f00 927c0000", //        16 bytes of descriptors at 0x7c92
].join("").replaceAll(" ", "");

/** With `isa-debug-exit`, QEMU's exit status is twice the value, plus one. */
const bootedStatus = 0x10 * 2 + 1;

/**
 * Seconds for which a file keeps that QEMU has to emulate. A host may only have
 * been busy when a guest did not boot in time, or may have KVM by now.
 */
const EMULATION_HOLDS = 3600;

function defaultCache(): string | null {
  const home = Deno.env.get("XDG_CACHE_HOME");
  if (home?.startsWith("/")) return `${home}/vmwright/accelerator`;
  const user = Deno.env.get("HOME");
  return user === undefined ? null : `${user}/.cache/vmwright/accelerator`;
}

/**
 * Finds out whether guests for x86-64 run under KVM on this host, by running one.
 * If the guest does not boot in time, QEMU has to emulate (TCG). A file keeps the
 * result until the host boots again, but `tcg` for no more than an hour, since the
 * host may only have been busy. Start scripts may read it: it holds the host's
 * boot id, a space, `kvm` or `tcg`, and a newline.
 *
 * @example
 * ```ts ignore
 * const qemuArguments = ["-accel", await accelerator(), "-cpu", "max"];
 * ```
 *
 * @param options.qemu The QEMU to try. Default: `"qemu-system-x86_64"`.
 * @param options.timeout Seconds that a guest may take to boot under KVM.
 * Default: 3.
 * @param options.cache The file that keeps the result; `null`: none. Default:
 * `$XDG_CACHE_HOME/vmwright/accelerator`, or the same below `~/.cache`.
 * @returns `"kvm"` if the processor itself runs guests, `"tcg"` if QEMU
 * emulates one.
 */
export async function accelerator(
  options: { qemu?: string; timeout?: number; cache?: string | null } = {},
): Promise<"kvm" | "tcg"> {
  const {
    qemu = "qemu-system-x86_64",
    timeout = 3,
    cache = defaultCache(),
  } = options;
  const bootId = await Deno.readTextFile("/proc/sys/kernel/random/boot_id")
    .then((text) => text.trim()).catch(() => undefined);
  if (cache !== null && bootId !== undefined) {
    const found = await kept(cache, bootId);
    if (found !== undefined) return found;
  }

  const found = await boots("kvm", { qemu, timeout }) ? "kvm" : "tcg";
  if (cache !== null && bootId !== undefined) {
    await keep(cache, `${bootId} ${found}\n`);
  }
  return found;
}

/** Whether the boot sector runs to its end in time. */
export async function boots(
  accelerator: "kvm" | "tcg",
  options: { qemu: string; timeout: number },
): Promise<boolean> {
  if (accelerator === "kvm" && !await opens("/dev/kvm")) return false;
  await using supervisor = new Supervisor();
  const directory = supervisor.makeDirectory(
    Deno.env.get("TMPDIR") || "/tmp",
    "vmwright-probe-",
  );
  const disk = `${directory}/disk`;
  const sector = new Uint8Array(512);
  sector.set(Uint8Array.fromHex(bootSector));
  sector.set([0x55, 0xaa], 510);
  await Deno.writeFile(disk, sector);
  const command = [
    options.qemu,
    ...["-M", "pc", "-accel", accelerator, "-cpu", "max", "-m", "16"],
    ...["-nodefaults", "-no-user-config", "-display", "none"],
    ...["-drive", `file=${disk},format=raw,if=ide,snapshot=on`],
    ...["-device", "isa-debug-exit,iobase=0xf4,iosize=1"],
  ];
  // If there is no QEMU to accelerate, the shell's status is another.
  const process = supervisor.spawn(
    `exec ${command.map(shellQuote).join(" ")} </dev/null >/dev/null 2>&1`,
    { stdio: "inherit" },
  );
  const status = await within(options.timeout, process.status);
  if (status === undefined) {
    supervisor.kill(process, "SIGKILL");
    // A QEMU that is stuck in the kernel may not even die. Leave it behind,
    // rather than hang with it.
    process.unref();
    return false;
  }
  return status.code === bootedStatus;
}

async function opens(path: string): Promise<boolean> {
  try {
    (await Deno.open(path, { read: true, write: true })).close();
    return true;
  } catch {
    return false;
  }
}

/** The result that a file keeps of this boot of the host, if it still holds. */
async function kept(
  path: string,
  bootId: string,
): Promise<"kvm" | "tcg" | undefined> {
  try {
    const { mtime } = await Deno.stat(path);
    const [boot, found] = (await Deno.readTextFile(path)).trim().split(" ");
    if (boot !== bootId) return undefined;
    if (found === "kvm") return found;
    const age = (Date.now() - (mtime?.getTime() ?? 0)) / 1000;
    if (found === "tcg" && age < EMULATION_HOLDS) return found;
  } catch {
    // There is none.
  }
}

/**
 * Writes the file in one step, because others may read it. Nothing depends on
 * success.
 */
async function keep(path: string, text: string): Promise<void> {
  const unfinished = `${path}.${crypto.randomUUID()}`;
  try {
    await Deno.mkdir(directoryOf(path), { recursive: true });
    await Deno.writeTextFile(unfinished, text);
    await Deno.rename(unfinished, path);
  } catch {
    await Deno.remove(unfinished).catch(() => {});
  }
}
