import process from "node:process";

/** Bytes of a picture that is kept in a report. */
const mostBytes = 4 * 1024 * 1024;

/** Bytes that can be put into base64. */
export type Bytes = Uint8Array<ArrayBuffer> & { toBase64(): string };

/** A PNG image, unless there is none, or too large a one. */
export function readPicture(path: string): Bytes | undefined {
  try {
    const { size, isFile } = Deno.statSync(path);
    if (!isFile || size > mostBytes) return undefined;
    const bytes = Deno.readFileSync(path);
    // A name does not tell what is in the file.
    const isPng = bytes[0] === 0x89 && bytes[1] === 0x50;
    return isPng ? bytes as Bytes : undefined;
  } catch {
    return undefined;
  }
}

/** Identifies a picture by its contents. */
export function pictureHash(bytes: Uint8Array): string {
  const { createHash } = process.getBuiltinModule("node:crypto");
  return createHash("sha256").update(bytes).digest("hex").slice(0, 24);
}
