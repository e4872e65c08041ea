# The Nix store of a test's microVMs: one read-only image with what all of them need, each path once.
{
  pkgs,
  # The contents, with all their dependencies.
  paths,
}:
let
  # What `nix-store --load-db` reads.
  registration = pkgs.closureInfo { rootPaths = paths; };
  contents = pkgs.closureInfo { rootPaths = paths ++ [ registration ]; };
  store = builtins.storeDir;
in
{
  registration = "${registration}/registration";

  image =
    pkgs.runCommand "microvm-store.erofs"
      {
        nativeBuildInputs = [
          pkgs.erofs-utils
          pkgs.gnutar
        ];
        # The image names the paths that it holds. A host with the image does
        # not need the paths.
        __structuredAttrs = true;
        unsafeDiscardReferences.out = true;
      }
      ''
        tar --create --absolute-names --verbatim-files-from --files-from ${contents}/store-paths \
          --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1 --hard-dereference \
          --transform 'flags=rSh;s|^${store}/||' |
          mkfs.erofs --quiet --all-root -T 1 -L nix-store \
            -U 7f1c7d4e-0f6c-4a52-9d0a-3c8a1c1b9f64 --tar=f "$out"
      '';
}
