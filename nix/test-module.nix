# A module for the NixOS test framework (`nixos/lib/testing`): imported into a test, it puts vmwright
# in the driver's place and changes nothing else.
{ packageFor }:
{
  config,
  options,
  lib,
  hostPkgs,
  ...
}:
let
  scripts = import ./script.nix { inherit lib; };

  language = config.testScriptLanguage;
  isTypeScript = language == "typescript";

  # The framework describes a test to its driver in a file, before spring 2026 in environment variables.
  hasConfigurationFile = options ? driverConfiguration;
  hasBackdoor = options ? sshBackdoor && config.sshBackdoor.enable;

  described = lib.mapAttrsToList (
    _: machine: {
      inherit (machine) name;
      startScript = machine.start_script;
    }
  );
  builtAs =
    kind:
    lib.mapAttrsToList (
      _: machine: {
        inherit (machine.system) name;
        startScript = machine.system.build.${kind};
      }
    );

  machines =
    if hasConfigurationFile then
      described config.driverConfiguration.vms
    else
      builtAs "vm" config.nodes;
  containers =
    if hasConfigurationFile then
      described (config.driverConfiguration.containers or { })
    else
      builtAs "nspawn" (config.containers or { });
  vlans =
    if hasConfigurationFile then
      config.driverConfiguration.vlans
    else
      lib.unique (
        lib.concatMap scripts.vlansOf (
          lib.attrValues config.nodes ++ lib.attrValues (config.containers or { })
        )
      );

  script = scripts.fileOf hostPkgs language config.testScriptString;

  names = map (machine: machine.name) (machines ++ containers);

  driver = import ./wrap.nix {
    pkgs = hostPkgs;
    package = packageFor hostPkgs;
    qemu = config.qemu.package;
    inherit (config)
      name
      enableOCR
      extraPythonPackages
      skipTypeCheck
      skipLint
      passthru
      meta
      ;
    inherit
      language
      machines
      containers
      vlans
      ;
    script = if hasConfigurationFile then config.driverConfiguration.test_script else script;
    configurationFile = if hasConfigurationFile then config.driverConfigurationFile else null;
    globalTimeout = config.globalTimeout or 3600;
    extraPackages =
      lib.optionals (containers != [ ]) [
        hostPkgs.e2fsprogs
        hostPkgs.systemd
      ]
      ++ lib.optional (hasBackdoor && hostPkgs ? vhost-device-vsock) hostPkgs.vhost-device-vsock;
    extraDriverArgs =
      lib.optional (options ? logLevel) "--log-level ${config.logLevel}" ++ config.extraDriverArgs;
  };
in
{
  key = "vmwright#test";
  _file = ./test-module.nix;

  options.testScriptLanguage = lib.mkOption {
    type = lib.types.str;
    default = "python";
    example = "typescript";
    apply = scripts.checkLanguage;
    description = ''
      The language of {option}`testScript`: `"python"`, as in every NixOS test, or `"typescript"`.
      A TypeScript script is checked against the test's own machines when its driver is built,
      unless {option}`skipTypeCheck` is set.
    '';
  };

  config = {
    # Stronger than the framework's own definition, weaker than a `mkForce` of the author's.
    driver = lib.mkOverride 60 (
      if isTypeScript then
        # A Python script that NixOS runs may do with the last of two machines that it can't tell apart.
        builtins.seq (scripts.checkNames names) driver
      else if config.skipLint then
        lib.warn "Linting is disabled" driver
      else
        driver
    );
  }
  // lib.optionalAttrs hasConfigurationFile {
    driverConfiguration.test_script = lib.mkIf isTypeScript (lib.mkForce script);
  };
}
