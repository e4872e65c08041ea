import {
  type Call,
  type MachineCode,
  MOST,
  READS,
  TOLD,
} from "./machine_code.ts";

/** The numbers of the kernel's calls. */
const CALLS: Readonly<Record<Call["name"], number>> = {
  write: 1,
  ioctl: 16,
  exit: 60,
  setpriority: 141,
  mount: 165,
  clock_settime: 227,
  clock_gettime: 228,
  openat: 257,
};
/** The instructions that load arguments, of 32 bits. */
const LOADS = ["bf", "be", "ba", "41ba", "41b8"];
/** Those that load them from ebx. */
const MOVES = ["89df", "89de", "89da", "4189da", "4189d8"];

/** The code of processors of AMD's and Intel's. */
export const x86_64: MachineCode = {
  hostType: "x86_64",
  elfMachine: 62,

  attendant(data) {
    return code(
      "b870000000 0f05", //                             setsid()
      "bbff000000", //                                  ebx = 255
      "89df b803000000 0f05 ffcb 83fb02 75f0", //       close(ebx), down to 3
      `b816000000 bf${le(data)} 0f05`, //               pipe(): 3 and 4
      `b816000000 bf${le(data)} 0f05`, //               pipe(): 5 and 6
      "b857000000 488b7c2408 0f05", //                  unlink(argv[0])
      `b801000000 bf01000000 be${le(data + 8)}`, //     write(1, "\n", 1)
      "ba01000000 0f05",
      "bb02000000", //                                  ebx = 2
      "89df b803000000 0f05 ffcb 79f3", //              close(ebx), down to 0
      "31db", //                                        ebx = 0, the bytes so far
      `31c0 bf${le(READS)} 8db3${le(TOLD)}`, //         read(3, TOLD + ebx,
      `ba${le(MOST)} 29da 0f05`, //                          MOST - ebx)
      "85c0 7e14 01c3", //                              at an end, on to exit
      `3b1c25${le(TOLD)} 72db`, //                      until all of it is there
      `b8${le(TOLD + 4)} ffd0 ebd0`, //                 which is called then
      "31ff b83c000000 0f05", //                        exit(0)
    );
  },

  orders(calls, answer, last) {
    return code(
      "31ed", //                                        ebp = 0
      ...calls.map(call),
      "83c530 81cd000a0000", //                         a digit, and a new line
      `892c25${le(answer)}`,
      ...last.map(call),
      "c3",
    );
  },
};

function call({ name, args, keeps, notes }: Call): string {
  return [
    `b8${le(CALLS[name])}`,
    ...args.map((arg, at) =>
      arg === "kept" ? MOVES[at] : `${LOADS[at]}${le(arg)}`
    ),
    "0f05",
    keeps ? "89c3" : "", //                             ebx = eax
    // If eax is not 0, ebp gets the bit.
    notes === undefined
      ? ""
      : `85c0 7403 83cd${notes.toString(16).padStart(2, "0")}`,
  ].join("");
}

function code(...parts: string[]): Uint8Array {
  return Uint8Array.fromHex(parts.join("").replaceAll(" ", ""));
}

/** A little-endian number in hexadecimal digits. */
function le(number: number): string {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, number, true);
  return bytes.toHex();
}
