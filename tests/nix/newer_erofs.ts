import { newerPrograms } from "./newer_programs.ts";

/** A directory with programs for erofs; older ones than these take no archive. */
export function newerErofs(): Promise<string> {
  return newerPrograms("erofs-utils", "erofs-utils", {
    "fsck.erofs": "usr/bin/fsck.erofs",
    "mkfs.erofs": "usr/bin/mkfs.erofs",
  });
}
