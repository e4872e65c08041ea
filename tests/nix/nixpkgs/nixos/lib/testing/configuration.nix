# Since spring 2026 the driver gets `--config`.
{
  config,
  hostPkgs,
  lib,
  ...
}:
let
  inherit (lib) mkOption types;
  machineType = types.attrsOf (
    types.submodule {
      options = {
        name = mkOption { type = types.str; };
        start_script = mkOption { type = types.path; };
      };
    }
  );
in
{
  options = {
    logLevel = mkOption {
      type = types.str;
      default = "info";
    };
    driverConfiguration = mkOption {
      type = types.submodule {
        options = {
          vms = mkOption { type = machineType; };
          containers = mkOption { type = machineType; };
          vlans = mkOption { type = types.listOf types.int; };
          global_timeout = mkOption { type = types.int; };
          enable_ssh_backdoor = mkOption { type = types.bool; };
          test_script = mkOption { type = types.path; };
        };
      };
    };
    driverConfigurationFile = mkOption { type = types.path; };
  };

  config = {
    driverConfiguration = {
      vms = builtins.mapAttrs (name: node: {
        inherit name;
        start_script = lib.getExe node.system.build.vm;
      }) config.nodes;
      containers = builtins.mapAttrs (name: container: {
        inherit name;
        start_script = lib.getExe container.system.build.nspawn;
      }) config.containers;
      vlans = lib.unique (
        lib.concatMap (node: node.virtualisation.vlans) (
          builtins.attrValues config.nodes ++ builtins.attrValues config.containers
        )
      );
      global_timeout = config.globalTimeout;
      enable_ssh_backdoor = config.sshBackdoor.enable;
      test_script = hostPkgs.writeText "test-script" config.testScriptString;
    };
    driverConfigurationFile = hostPkgs.writers.writeJSON "configuration.json" config.driverConfiguration;
  };
}
