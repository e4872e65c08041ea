import {
  type Call,
  type MachineCode,
  MOST,
  READS,
  TOLD,
} from "./machine_code.ts";

/** The numbers of the kernel's calls. */
const CALLS = {
  ioctl: 29,
  unlinkat: 35,
  mount: 40,
  openat: 56,
  close: 57,
  pipe2: 59,
  read: 63,
  write: 64,
  exit: 93,
  clock_settime: 112,
  clock_gettime: 113,
  setpriority: 140,
  setsid: 157,
} satisfies Record<Call["name"], number> & Record<string, number>;

/** Stands for the working directory. */
const AT_FDCWD = -100;
/** The register of a call's number, and those of what orders note and keep. */
const NUMBER = 8, NOTED = 21, KEPT = 22;

/** The code of Arm's processors of 64 bits. */
export const aarch64: MachineCode = {
  hostType: "aarch64",
  elfMachine: 183,

  attendant(data) {
    return code(
      system("setsid"),
      load(19, 255), //                        w19 = 255
      [0x2a1303e0],
      system("close"), //        close(w19), down to 3:
      [0x71000673, 0x71000a7f, 0x54ffff41], // w19--; if w19 != 2, back to close
      system("pipe2", data, 0), //             3 and 4
      system("pipe2", data, 0), //             5 and 6
      [0xf94007e1], //                         x1 = argv[0]
      load(0, AT_FDCWD),
      load(2, 0),
      system("unlinkat"),
      system("write", 1, data + 8, 1), //      write(1, "\n", 1)
      load(19, 2), //                          w19 = 2
      [0x2a1303e0],
      system("close"), //        close(w19), down to 0:
      [0x71000673, 0x54ffff65], //             w19--; if w19 >= 0, back to close
      load(19, 0), //                          w19 = 0, the bytes so far
      load(20, TOLD), //                       w20 = TOLD
      load(0, READS),
      [0x8b130281], //                         x1 = x20 + x19
      load(2, MOST),
      [0x4b130042], //                         w2 -= w19
      system("read"),
      [0x7100001f, 0x5400028d], //             at an end, on to exit
      [0x0b000273], //                         w19 += w0
      [0xb9400281, 0x6b01027f, 0x54fffe03], // until all is there, on to w20 = TOLD
      // What was read is data until it has gone from one cache to the other, by
      // lines of 16 bytes or more.
      [0x2a1403e1], //                         w1 = w20
      [0xd50b7b21, 0x11004021], //             dc cvau, x1; w1 += 16
      [0x71004273, 0x54ffffa8], //             w19 -= 16; if there is more, back to dc
      [0xd5033b9f], //                         dsb ish
      [0x51004021, 0xd50b7521], //             w1 -= 16; ic ivau, x1
      [0x6b14003f, 0x54ffffa8], //             if w1 > w20, back to w1 -= 16
      [0xd5033b9f, 0xd5033fdf], //             dsb ish; isb
      [0x11001294, 0xd63f0280], //             call w20 + 4
      [0x17ffffdf], //                         back to w19 = 0
      system("exit", 0),
    );
  },

  orders(calls, answer, last) {
    return code(
      load(NOTED, 0),
      ...calls.map(call),
      [0x52814601, 0x0b0102b5], //             a digit, and a new line
      load(1, answer),
      [0xb9000035],
      ...last.map(call),
      [0xd65f03c0], //                         return
    );
  },
};

function call({ name, args, keeps, notes }: Call): number[] {
  return [
    ...system(name, ...args),
    ...keeps ? [move(KEPT, 0)] : [],
    ...notes === undefined ? [] : [
      0x34000040, //                           if w0 is 0, over the next
      // NOTED |= notes, which is one bit.
      0x320002b5 | (32 - Math.log2(notes)) % 32 << 16,
    ],
  ];
}

/** Loads the arguments, and makes the call. */
function system(
  name: keyof typeof CALLS,
  ...args: (number | "kept")[]
): number[] {
  return [
    ...args.flatMap((arg, at) =>
      arg === "kept" ? [move(at, KEPT)] : load(at, arg)
    ),
    ...load(NUMBER, CALLS[name]),
    0xd4000001,
  ];
}

/** Loads 32 bits into a register, whose other bits are 0 then. */
function load(register: number, value: number): number[] {
  return [
    0x52800000 | (value & 0xffff) << 5 | register,
    0x72a00000 | (value >>> 16) << 5 | register,
  ];
}

function move(to: number, from: number): number {
  return 0x2a0003e0 | from << 16 | to;
}

function code(...parts: number[][]): Uint8Array {
  const words = parts.flat();
  const bytes = new Uint8Array(4 * words.length);
  const view = new DataView(bytes.buffer);
  words.forEach((word, at) => view.setUint32(4 * at, word, true));
  return bytes;
}
