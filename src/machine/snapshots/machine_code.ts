/** The address of an attendant's orders in its memory. */
export const TOLD = 0x11000;
/** How many bytes they may have. */
export const MOST = 0x4000;
/** The pipes to it and from it, as it has them open. */
export const READS = 3, ANSWERS = 6;

/** The calls of the kernel that the orders make. */
export type CallName =
  | "clock_gettime"
  | "clock_settime"
  | "exit"
  | "ioctl"
  | "mount"
  | "openat"
  | "setpriority"
  | "write";

/** A call of the kernel. */
export interface Call {
  readonly name: CallName;
  /** Its arguments; `kept`: what the last call that keeps its result returned. */
  readonly args: readonly (number | "kept")[];
  /** Whether its result is kept. */
  readonly keeps?: boolean;
  /** The bit that is noted if it does not return 0. */
  readonly notes?: number;
}

/** The instructions of a processor that an attendant is made of. */
export interface MachineCode {
  /** Bash's name for the processor. */
  readonly hostType: string;
  /** Its number in the header of an executable. */
  readonly elfMachine: number;
  /**
   * The program that removes its own file, closes what it was given, makes two
   * pipes, says that it is there, and waits for orders to carry out.
   *
   * @param data The address of 8 bytes for a pipe, and of a new line after them.
   * It does not change the length.
   */
  attendant(data: number): Uint8Array;
  /**
   * Orders that make calls and then put a digit of the bits that were noted, and
   * a new line, in memory.
   *
   * @param answer The address where these go. It does not change the length.
   * @param last The calls after that.
   */
  orders(
    calls: readonly Call[],
    answer: number,
    last: readonly Call[],
  ): Uint8Array;
}
