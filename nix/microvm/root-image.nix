# The root of a microVM: an empty file system, which NixOS fills when it boots, as it does in QEMU. It
# holds nothing of its node, so all nodes with a disk of a size share the image.
{
  pkgs,
  # MiB.
  size,
}:
pkgs.runCommand "microvm-root-${toString size}.ext4"
  {
    nativeBuildInputs = [ pkgs.e2fsprogs ];
    preferLocalBuild = true;
    # The file has holes, which a cache would fill.
    allowSubstitutes = false;
    # The image is the same in each build.
    E2FSPROGS_FAKE_TIME = 1;
    uuid = "f222513b-ded1-49fa-b591-20ce86a2fe7f";
  }
  ''
    truncate -s ${toString size}M $out
    mkfs.ext4 -q -F -m 0 -L nixos -U $uuid -E hash_seed=$uuid,root_owner=0:0,lazy_journal_init=1 $out
  ''
