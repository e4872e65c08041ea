# A module for the NixOS test framework (`nixos/lib/testing`). In a test that imports it, vmwright
# replaces the driver; nothing else changes.
{ packageFor }:
{
  config,
  options,
  lib,
  hostPkgs,
  extendModules,
  ...
}:
let
  scripts = import ./script.nix { inherit lib; };
  hypervisors = import ./microvm/hypervisors.nix { inherit lib; };

  # The package set of the driver's host, which may be a virtual machine.
  pkgs = config.testDriverPkgs or hostPkgs;

  inherit (config.vmwright) language;
  isTypeScript = language == "typescript";

  # The framework describes a test to its driver in a file; before spring 2026 in environment
  # variables.
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

  machineNames = lib.attrNames (config.nodes // config.containers or { });
  microVms = import ./microvm/test.nix { inherit lib; } {
    inherit hostPkgs;
    inherit (config.vmwright) backend enable;
    inherit (config) nodes;
    # As the framework has them.
    numberOf =
      name:
      (lib.listToAttrs (lib.imap1 (number: machine: lib.nameValuePair machine number) machineNames))
      .${name};
  };
  checkBackdoor =
    if hasBackdoor && microVms.names != [ ] then
      throw "the test has sshBackdoor.enable, and its node ${lib.head microVms.names} runs on ${
        hypervisors.titleOf config.nodes.${lib.head microVms.names}.vmwright.backend
      }, expected vmwright.backend = \"qemu\" for all nodes: the driver makes no ssh backdoor for others"
    else
      null;

  script = scripts.fileOf pkgs language config.testScriptString;

  names = map (machine: machine.name) (machines ++ containers);

  driver = import ./wrap.nix {
    inherit pkgs;
    inherit (config.vmwright) package;
    languageOption = "vmwright.language = \"typescript\"";
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
    inherit (config.vmwright) snapshots;
    extraPackages =
      lib.optionals (containers != [ ]) [
        pkgs.e2fsprogs
        pkgs.systemd
      ]
      ++ lib.optional (hasBackdoor && pkgs ? vhost-device-vsock) pkgs.vhost-device-vsock
      ++ hypervisors.toolsOf pkgs config.vmwright (
        map (node: node.vmwright.backend or "qemu") (lib.attrValues config.nodes)
      );
    extraDriverArgs =
      lib.optional (options ? logLevel) "--log-level ${config.logLevel}" ++ config.extraDriverArgs;
  };

  # The test without this module: the framework defines the driver once, and rejects a second
  # definition.
  without = extendModules {
    modules = [
      {
        vmwright.enable = lib.mkForce false;
        # The framework warns about it when it makes its driver, which happens for the test itself.
        skipLint = lib.mkForce false;
      }
    ];
  };
  drivers = map (
    definition: toString definition.file
  ) without.options.driver.definitionsWithLocations;
  ownDrivers = builtins.filter (
    file: builtins.match ".*/nixos/lib/testing/.*" file == null
  ) drivers;
  checkDriver =
    if builtins.length drivers > 1 then
      throw "the test defines a `driver` of its own, in place of which vmwright puts its own, expected `vmwright.enable = false` or `driver = lib.mkForce …`; it is defined in ${
        lib.concatStringsSep " and in " ownDrivers
      }"
    else
      null;

  # A run of the same test that never fails.
  report = config.rawTestDerivation.overrideAttrs (test: {
    name = "vm-test-report-${config.name}";
    retries = 0;
    suiteName = builtins.toJSON config.name;
    testName = builtins.toJSON config.name;
    buildCommand = import ./report.nix test.buildCommand;
  });
in
{
  key = "vmwright#test";
  _file = ./test-module.nix;

  # The option's name before there were other options.
  imports = [ (lib.mkAliasOptionModule [ "testScriptLanguage" ] [ "vmwright" "language" ]) ];

  options.vmwright = {
    enable = lib.mkOption {
      type = lib.types.bool;
      default = true;
      example = false;
      description = ''
        Whether vmwright runs the test. Without it the framework's own driver does, which knows Python only.
      '';
    };

    package = lib.mkOption {
      type = lib.types.package;
      default = packageFor pkgs;
      defaultText = lib.literalMD "the vmwright that this module comes with";
      description = ''
        The vmwright that runs the test.
      '';
    };

    backend = lib.mkOption {
      type = lib.types.enum hypervisors.names;
      default = "qemu";
      example = "firecracker";
      description = ''
        The hypervisor of the nodes that do not name their own by their option of the same name:
        `"qemu"`, `"firecracker"` or `"cloud-hypervisor"`.
      '';
    };

    firecracker = lib.mkOption {
      type = lib.types.package;
      default = pkgs.firecracker;
      defaultText = lib.literalMD "`firecracker` of `hostPkgs`";
      description = ''
        The Firecracker that runs nodes, 1.16.1 or newer.
      '';
    };

    cloudHypervisor = lib.mkOption {
      type = lib.types.package;
      default = pkgs.cloud-hypervisor;
      defaultText = lib.literalMD "`cloud-hypervisor` of `hostPkgs`";
      description = ''
        The Cloud Hypervisor that runs nodes, 52 or newer.
      '';
    };

    snapshots = lib.mkOption {
      type = lib.types.listOf lib.types.package;
      default = [ ];
      description = ''
        What `lib.mkSnapshot` has made of the same nodes: a script's `snapshot()` with `keep` and its
        name begins there.
      '';
    };

    language = lib.mkOption {
      type = lib.types.enum scripts.languages;
      default = "python";
      example = "typescript";
      description = ''
        The language of {option}`testScript`: `"python"`, as in every NixOS test, or `"typescript"`.
        A TypeScript script is checked against the test's own machines when its driver is built,
        unless {option}`skipTypeCheck` is set, and for promises that nothing waits for, unless
        {option}`skipLint` is.
      '';
    };
  };

  config = {
    # Nodes have the option also where vmwright does not run the test.
    defaults = microVms.module;

    # This has priority over the framework's own definition, but not over the author's `mkForce`.
    driver = lib.mkIf config.vmwright.enable (
      lib.mkOverride 60 (
        builtins.seq (builtins.seq checkDriver checkBackdoor) (
          if isTypeScript then
            # For Python scripts NixOS accepts two machines with the same name in the script: the
            # name means the last one.
            builtins.seq (scripts.checkNames names) driver
          else
            driver
        )
      )
    );
  }
  // lib.optionalAttrs (options ? rawTestDerivation) {
    passthru = lib.mkIf config.vmwright.enable { inherit report; };
  }
  // lib.optionalAttrs hasConfigurationFile {
    driverConfiguration.test_script = lib.mkIf (config.vmwright.enable && isTypeScript) (
      lib.mkForce script
    );
  };
}
