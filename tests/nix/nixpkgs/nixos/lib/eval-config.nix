# NixOS as far as a test's nodes need it here: the options that a test reads, and everything else as it comes.
{
  modules,
  specialArgs ? { },
  lib ? import ../../lib.nix,
  ...
}:
lib.evalModules {
  specialArgs = { inherit lib; } // specialArgs;
  freeform = true;
  modules = modules ++ [
    ../modules/system.nix
    (
      {
        config,
        lib,
        options,
        ...
      }:
      {
        options = {
          # Where an error about the name would say that it is set.
          testing.hostNameFiles = lib.mkOption {
            default = map (definition: definition.file) options.networking.hostName.definitionsWithLocations;
          };
          networking.hostName = lib.mkOption { type = lib.types.str; };
          networking.domain = lib.mkOption {
            type = lib.types.nullOr lib.types.str;
            default = null;
          };
          networking.primaryIPv6Address = lib.mkOption { type = lib.types.str; };
          virtualisation.vlans = lib.mkOption {
            type = lib.types.listOf lib.types.int;
            default = if config.virtualisation.interfaces == { } then [ 1 ] else [ ];
          };
          virtualisation.interfaces = lib.mkOption {
            type = lib.types.attrsOf (
              lib.types.submodule {
                options = {
                  vlan = lib.mkOption { type = lib.types.int; };
                  assignIP = lib.mkOption {
                    type = lib.types.bool;
                    default = false;
                  };
                };
              }
            );
            default = { };
          };
          nixpkgs.pkgs = lib.mkOption { type = lib.types.raw; };
          system.name = lib.mkOption {
            type = lib.types.str;
            default = config.networking.hostName;
          };
          system.build.vm = lib.mkOption {
            type = lib.types.package;
            # As in NixOS, there is no start script without a QEMU.
            default = builtins.seq config.virtualisation.qemu.package (
              config.nixpkgs.pkgs.guestVm config.networking.hostName
            );
          };
          system.build.nspawn = lib.mkOption {
            type = lib.types.package;
            default = config.nixpkgs.pkgs.writeText "run-${config.system.name}-nspawn" "";
          };
        };
        config._module.args.pkgs = config.nixpkgs.pkgs;
      }
    )
  ];
}
