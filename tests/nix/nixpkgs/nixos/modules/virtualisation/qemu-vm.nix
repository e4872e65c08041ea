# The options of a virtual machine, as far as the project's Nix files read them, and how it mounts its disks.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  option = type: default: mkOption { inherit type default; };
  cfg = config.virtualisation;
in
{
  options = {
    virtualisation = {
      memorySize = option types.int 1024;
      cores = option types.int 1;
      diskSize = option types.int 1024;
      diskImage = option types.raw "./disk.qcow2";
      emptyDiskImages = option (types.listOf types.raw) [ ];
      additionalPaths = option (types.listOf types.path) [ ];
      useNixStoreImage = option types.bool false;
      writableStore = option types.bool (!cfg.useNixStoreImage);
      useBootLoader = option types.bool false;
      useEFIBoot = option types.bool false;
      tpm.enable = option types.bool false;
      forwardPorts = option (types.listOf types.raw) [ ];
      sharedDirectories = option (types.attrsOf types.raw) { };
      fileSystems = option (types.attrsOf types.anything) { };
      qemu.package = mkOption { type = types.package; };
      qemu.options = option (types.listOf types.str) [ ];
    };
    fileSystems = option (types.attrsOf types.anything) { };
  };

  config = {
    virtualisation.qemuVmModule = true;
    virtualisation.sharedDirectories = {
      xchg.target = "/tmp/xchg";
      shared.target = "/tmp/shared";
    }
    // lib.optionalAttrs (!cfg.useNixStoreImage) {
      nix-store.target = "/nix/.ro-store";
    };
    virtualisation.fileSystems = {
      "/" = {
        device = "/dev/disk/by-label/nixos";
        fsType = "ext4";
      };
      "/nix/store".overlay.lowerdir = [ "/nix/.ro-store" ];
    }
    // lib.optionalAttrs cfg.useNixStoreImage {
      "/nix/.ro-store" = {
        device = "/dev/disk/by-label/nix-store";
        fsType = "erofs";
      };
    }
    // builtins.listToAttrs (
      map (shared: {
        name = shared.target;
        value = {
          device = "tag";
          fsType = "9p";
        };
      }) (builtins.attrValues cfg.sharedDirectories)
    );
    # Stronger than an author's `fileSystems`.
    fileSystems = lib.mkOverride 10 cfg.fileSystems;
  };
}
