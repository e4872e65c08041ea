import { TestFailure } from "../errors.ts";

/** A variable of UEFI firmware. */
export interface EfiVariable {
  /** The owner's GUID, such as `8be4df61-93ca-11d2-aa0d-00e098032b8c`. */
  guid: string;
  /** Its name. */
  name: string;
  /** Its value. */
  data: Uint8Array;
  /**
   * The attributes, as bits of {@linkcode efiAttributes}; if none are given,
   * the variable is kept, and visible during and after the boot.
   */
  attributes?: number;
  /**
   * The time of the last write of a variable that is authenticated by time, as
   * the 16 bytes of an `EFI_TIME`; absent if there is none.
   */
  timestamp?: Uint8Array;
}

/** The attributes of variables, by their names in the specification of UEFI. */
export const efiAttributes = {
  /** The variable outlives a reset. */
  nonVolatile: 0x1,
  /** Programs of the boot see the variable. */
  bootserviceAccess: 0x2,
  /** The operating system sees the variable. */
  runtimeAccess: 0x4,
  /** A write needs the signature of the variable's owner. */
  timeBasedAuthenticatedWriteAccess: 0x20,
} as const;

/** The attributes of a variable for which the author names none. */
const USUAL = 0x7;

/** EFI_SYSTEM_NV_DATA_FV_GUID: a volume of variables. */
const VOLUME = "fff12b8d-7696-4c8b-a985-2747075b4f50";
/** EFI_AUTHENTICATED_VARIABLE_GUID: a store whose variables have a time. */
const STORE = "aaf32c78-947b-439a-a180-2e144ec37792";
/**
 * EDKII_WORKING_BLOCK_SIGNATURE_GUID: the block that records an interrupted
 * write.
 */
const WORKING_BLOCK = "9e58292b-7c68-497d-a0ce-6500fd9f1b95";

const VOLUME_HEADER = 0x48, STORE_HEADER = 28, VARIABLE_HEADER = 60;
const WORKING_HEADER = 32;
/** Marks the header of a variable. */
const START = 0x55aa;
/** The states of a variable; each clears one more bit. */
const ADDED = 0x3f, BEING_DELETED = 0x3e;

/** How firmware lays its volume of variables out. */
interface Layout {
  /** The volume's bytes, which may be fewer than those of the file. */
  volume: number;
  /** The bytes of a block of flash memory. */
  block: number;
  /** What the flash memory can do. */
  attributes: number;
  /** Where the store of variables ends. */
  store: number;
  /** Where the working block is, and how long it is. */
  working: number;
  workingLength: number;
  /** The checksum of the working block's header. */
  checksum: number;
}

const OVMF = {
  block: 0x1000,
  attributes: 0x4feff,
  workingLength: 0x1000,
  checksum: 0x642caf2c,
};

/** The layouts in builds of EDK II, by the length of their file. */
const LAYOUTS: Record<number, Layout> = {
  // OVMF of 4 MiB of flash in all.
  0x84000: { ...OVMF, volume: 0x84000, store: 0x40000, working: 0x41000 },
  // 1 and 2 MiB.
  0x20000: { ...OVMF, volume: 0x20000, store: 0xe000, working: 0xf000 },
  // The firmware of aarch64's machines virt; QEMU wants all of their flash.
  0x4000000: {
    volume: 0xc0000,
    block: 0x40000,
    attributes: 0xe36,
    store: 0x40000,
    working: 0x40000,
    workingLength: 0x40000,
    checksum: 0x86c6e75b,
  },
};

/** The length of a store: that of OVMF of 4 MiB. */
export const EFI_STORE_LENGTH = 0x84000;
/** The same of the firmware of aarch64's machines `virt`. */
export const EFI_STORE_LENGTH_OF_VIRT = 0x4000000;

/** The value of a byte of flash memory before it is written. */
const ERASED = 0xff;

/**
 * Makes a store without variables, as builds of EDK II do.
 *
 * See the volume and variable headers of the UEFI platform initialization
 * specification, and `MdeModulePkg/Include/Guid/VariableFormat.h` of EDK II.
 */
export function emptyStore(length = EFI_STORE_LENGTH): Uint8Array {
  const { volume, block, attributes, store, working, workingLength, checksum } =
    LAYOUTS[length];
  const bytes = new Uint8Array(length).fill(ERASED, 0, volume);
  const view = new DataView(bytes.buffer);
  bytes.fill(0, 0, VOLUME_HEADER);
  bytes.set(guidBytes(VOLUME), 16);
  view.setBigUint64(32, BigInt(volume), true);
  bytes.set(new TextEncoder().encode("_FVH"), 40);
  // It is readable and writable, and erasing sets all bits.
  view.setUint32(44, attributes, true);
  view.setUint16(48, VOLUME_HEADER, true);
  bytes[55] = 2;
  view.setUint32(56, length / block, true);
  view.setUint32(60, block, true);
  let sum = 0;
  for (let at = 0; at < VOLUME_HEADER; at += 2) sum += view.getUint16(at, true);
  view.setUint16(50, -sum & 0xffff, true);
  bytes.fill(0, VOLUME_HEADER, VOLUME_HEADER + STORE_HEADER);
  bytes.set(guidBytes(STORE), VOLUME_HEADER);
  view.setUint32(VOLUME_HEADER + 16, store - VOLUME_HEADER, true);
  // It is formatted and healthy.
  bytes[VOLUME_HEADER + 20] = 0x5a;
  bytes[VOLUME_HEADER + 21] = 0xfe;
  bytes.set(guidBytes(WORKING_BLOCK), working);
  // The header's checksum, and the mark that no write was interrupted.
  view.setUint32(working + 16, checksum, true);
  view.setUint32(working + 20, 0xfffffffe, true);
  view.setUint32(working + 24, workingLength - WORKING_HEADER, true);
  view.setUint32(working + 28, 0, true);
  return bytes;
}

/**
 * Reads the variables in a volume.
 *
 * @param bytes The volume.
 * @param file Its name, for messages.
 * @throws {TestFailure} if it is no volume of variables.
 */
export function parseStore(bytes: Uint8Array, file: string): EfiVariable[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = bytes.length < VOLUME_HEADER + STORE_HEADER
    ? 0
    : view.getUint16(48, true);
  const isVolume = start >= VOLUME_HEADER &&
    start + STORE_HEADER <= bytes.length && guidAt(bytes, 16) === VOLUME &&
    guidAt(bytes, start) === STORE;
  if (!isVolume) {
    throw new TestFailure(
      `Expected a store of EFI variables of OVMF, got ${file}`,
    );
  }
  const end = Math.min(bytes.length, start + view.getUint32(start + 16, true));
  const found = new Map<string, EfiVariable>();
  for (let at = start + STORE_HEADER; at + VARIABLE_HEADER <= end;) {
    if (view.getUint16(at, true) !== START) break;
    const state = bytes[at + 2];
    const nameLength = view.getUint32(at + 36, true);
    const dataLength = view.getUint32(at + 40, true);
    const name = at + VARIABLE_HEADER, data = name + nameLength;
    if (data + dataLength > end) break;
    const variable = {
      guid: guidAt(bytes, at + 44),
      name: new TextDecoder("utf-16le").decode(bytes.slice(name, data))
        .replace(/\0.*$/s, ""),
      data: bytes.slice(data, data + dataLength),
      attributes: view.getUint32(at + 4, true),
      timestamp: bytes.slice(at + 16, at + 32),
    };
    const key = `${variable.guid}-${variable.name}`;
    // A variable that is being deleted counts until its successor is written.
    if (state === ADDED || (state === BEING_DELETED && !found.has(key))) {
      found.set(key, variable);
    }
    at = align(data + dataLength);
  }
  return [...found.values()];
}

/**
 * Makes a volume with variables.
 *
 * @param variables All variables of the volume.
 * @param length The volume's length.
 * @throws {TestFailure} if they do not fit.
 */
export function writeStore(
  variables: readonly EfiVariable[],
  length = EFI_STORE_LENGTH,
): Uint8Array {
  const bytes = emptyStore(length);
  const view = new DataView(bytes.buffer);
  const end = LAYOUTS[length].store;
  let at = VOLUME_HEADER + STORE_HEADER;
  for (const variable of variables) {
    const { name, data, attributes = USUAL, timestamp } = variable;
    const nameLength = 2 * name.length + 2;
    if (at + VARIABLE_HEADER + nameLength + data.length > end) {
      throw new TestFailure(
        `the EFI variables need more than the ${end} bytes of their store`,
      );
    }
    bytes.fill(0, at, at + VARIABLE_HEADER + nameLength);
    view.setUint16(at, START, true);
    bytes[at + 2] = ADDED;
    view.setUint32(at + 4, attributes, true);
    if (timestamp !== undefined) bytes.set(timestamp.subarray(0, 16), at + 16);
    view.setUint32(at + 36, nameLength, true);
    view.setUint32(at + 40, data.length, true);
    bytes.set(guidBytes(variable.guid), at + 44);
    for (let i = 0; i < name.length; i++) {
      view.setUint16(at + VARIABLE_HEADER + 2 * i, name.charCodeAt(i), true);
    }
    bytes.set(data, at + VARIABLE_HEADER + nameLength);
    at = align(at + VARIABLE_HEADER + nameLength + data.length);
  }
  return bytes;
}

/** Whether the driver can write a volume of this length. */
export function isKnownLength(length: number): boolean {
  return length in LAYOUTS;
}

/** Whether a text is a GUID. */
export function isGuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

/** The first three groups of a GUID are little-endian numbers. */
const ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

function guidBytes(guid: string): Uint8Array {
  const digits = guid.replaceAll("-", "");
  return Uint8Array.from(
    ORDER,
    (at) => parseInt(digits.slice(2 * at, 2 * at + 2), 16),
  );
}

function guidAt(bytes: Uint8Array, at: number): string {
  const digits = ORDER.map((one) =>
    bytes[at + one].toString(16).padStart(2, "0")
  ).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function align(at: number): number {
  return (at + 3) & ~3;
}
