# Since 2026 a test may have containers.
{
  config,
  hostPkgs,
  lib,
  ...
}:
let
  inherit (lib) mkOption types;
  containerType = types.submoduleWith {
    freeform = true;
    modules = [
      ../../modules/system.nix
      (
        { config, name, ... }:
        {
          options = {
            virtualisation.vlans = mkOption {
              type = types.listOf types.int;
              default = [ 1 ];
            };
            system.name = mkOption {
              type = types.str;
              default = name;
            };
            system.build.nspawn = mkOption {
              type = types.package;
              default =
                hostPkgs.runCommand "nspawn-${config.system.name}"
                  { meta.mainProgram = "run-${config.system.name}-nspawn"; }
                  ''
                    mkdir -p $out/bin
                    echo '#!/bin/sh' > $out/bin/run-${config.system.name}-nspawn
                    chmod +x $out/bin/run-${config.system.name}-nspawn
                  '';
            };
          };
          config._module.args.pkgs = hostPkgs;
        }
      )
      config.defaults
    ];
  };
in
{
  options.containers = mkOption {
    type = types.lazyAttrsOf containerType;
    default = { };
  };
}
