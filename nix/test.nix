# `lib.mkTest`: a test from NixOS modules, without the test framework. It takes the arguments of
# `mkDriver`, with a module for each node. The script may be a function of the nodes'
# configurations.
{
  mkDriver,
  mkTest,
  runTest,
}:
{
  pkgs,
  name ? "test",
  # NixOS modules by name.
  nodes ? { },
  # NixOS modules of containers, by name.
  containers ? { },
  # A NixOS module for all nodes and containers.
  defaults ? { },
  # The hypervisor of nodes that do not name their own by `vmwright.backend`: "qemu", "firecracker" or
  # "cloud-hypervisor".
  backend ? "qemu",
  # Arguments for `driverInteractive`, which replace those of the test. Modules are added to the
  # test's.
  interactive ? { },
  specialArgs ? { },
  testScript,
  # As for `mkDriver`. An attribute set also puts its nodes into these VLANs. By default the nodes'
  # own `virtualisation.vlans`.
  vlans ? null,
  # Further machines, as for `mkDriver`.
  machines ? { },
  # By default "nixos-test", with "kvm" for virtual machines, and with "uid-range" for containers,
  # which need a range of users.
  requiredSystemFeatures ? null,
  passthru ? { },
  meta ? { },
  ...
}@arguments:
let
  inherit (pkgs) lib;
  nixos = "${toString pkgs.path}/nixos";
  scripts = import ./script.nix { inherit lib; };
  check = import ./arguments.nix { inherit lib; };

  names = builtins.seq (check "mkTest" "test" arguments) (builtins.attrNames (nodes // containers));
  count = builtins.length names;

  systemFeatures =
    if requiredSystemFeatures != null then
      requiredSystemFeatures
    else
      [ "nixos-test" ]
      ++ lib.optional (nodes != { } || machines != { }) "kvm"
      ++ lib.optional (containers != { }) "uid-range";

  assigned = builtins.isAttrs vlans;
  given =
    if vlans == null then [ ] else scripts.vlanNumbers (names ++ builtins.attrNames machines) vlans;
  allVlans = lib.unique (
    given ++ lib.concatMap scripts.vlansOf (builtins.attrValues configurations)
  );
  tooHigh = builtins.filter (vlan: vlan > 255) allVlans;
  checkedVlans =
    if tooHigh == [ ] then
      allVlans
    else
      throw "a machine is in VLAN ${toString (builtins.head tooHigh)}, expected at most 255, which is a part of its addresses";

  numberOf = lib.listToAttrs (lib.imap1 (number: name: lib.nameValuePair name number) names);

  # Most network cards of a node have an address, made of the VLAN's number and the node's number.
  cardsOf = name: import ./cards.nix { inherit lib; } numberOf.${name};
  addressed =
    name: configuration:
    builtins.filter (card: card.assignIP) (cardsOf name configuration);

  # The lines of a machine in `/etc/hosts`, with its first address of each kind.
  hostsOf =
    name:
    let
      configuration = configurations.${name};
      inherit (configuration) networking;
      cards = addressed name configuration;
      first = builtins.head cards;
      domain = networking.domain or null;
      qualified = lib.optionalString (domain != null) "${networking.hostName}.${domain} ";
      names = qualified + networking.hostName;
    in
    lib.optionalString (cards != [ ]) "${first.ipv4} ${names}\n${first.ipv6} ${names}\n";

  networkModule =
    name:
    { config, options, ... }:
    let
      cards = addressed name config;
      first = address: lib.optionalString (cards != [ ]) (builtins.head cards).${address};
    in
    {
      networking = {
        hostName = lib.mkDefault name;
        interfaces = lib.listToAttrs (
          map (
            card:
            lib.nameValuePair card.interface {
              ipv4.addresses = [
                {
                  address = card.ipv4;
                  prefixLength = 24;
                }
              ];
              ipv6.addresses = [
                {
                  address = card.ipv6;
                  prefixLength = 64;
                }
              ];
            }
          ) cards
        );
        primaryIPAddress = first "ipv4";
        extraHosts = lib.concatMapStrings hostsOf names;
      }
      # NixOS has this option since 2023.
      // lib.optionalAttrs (options.networking ? primaryIPv6Address) {
        primaryIPv6Address = first "ipv6";
      };
    };

  # A virtual machine has a card in QEMU for each of its interfaces. A container's start script
  # makes its own interfaces.
  cardModule =
    name:
    { config, ... }:
    let
      cards = cardsOf name config;
    in
    {
      virtualisation.qemu.options = lib.concatMap (card: [
        "-device virtio-net-pci,netdev=vlan${toString card.index},mac=${card.mac}"
        "-netdev vde,id=vlan${toString card.index},sock=\"$QEMU_VDE_SOCKET_${toString card.vlan}\""
      ]) cards;
      boot.initrd.services.udev.rules = lib.concatMapStrings (card: ''
        SUBSYSTEM=="net",ACTION=="add",ATTR{address}=="${lib.toLower card.mac}",NAME="${card.interface}"
      '') cards;
    };

  # Made for all microVMs of the test together.
  microVms = import ./microvm/test.nix { inherit lib; } {
    inherit backend;
    hostPkgs = pkgs;
    nodes = nodeConfigurations;
    numberOf = name: numberOf.${name};
  };

  machineModule = name: {
    nixpkgs.pkgs = lib.mkDefault pkgs;
    documentation.nixos.enable = lib.mkDefault false;
    _module.args = {
      name = lib.mkDefault name;
      nodes = nodeConfigurations;
      containers = containerConfigurations;
    };
  };

  nodeModule = name: {
    imports = [
      "${nixos}/modules/virtualisation/qemu-vm.nix"
      "${nixos}/modules/testing/test-instrumentation.nix"
      (cardModule name)
    ];
    virtualisation.qemu.package = arguments.qemu or pkgs.qemu_test;
    virtualisation.host.pkgs = lib.mkDefault pkgs;
  };

  containersOfNixos = "${nixos}/modules/virtualisation/nspawn-container";

  containerModule = {
    imports = [ containersOfNixos ];
    # PAM needs setuid programs, which a build does not have.
    services.openssh.settings.UsePAM = false;
    security.pam.services.login.text = lib.concatMapStrings (
      type: "${type} sufficient ${pkgs.linux-pam}/lib/security/pam_permit.so\n"
    ) [ "auth" "account" "password" "session" ];
  };

  # A module whose errors name the author's file, and not this one.
  locate =
    set: name: module:
    let
      position = builtins.unsafeGetAttrPos name set;
    in
    {
      _file =
        if position == null then
          "${name} of mkTest"
        else
          "${position.file}:${toString position.line}";
      imports = [ module ];
    };

  vlansModule = name: {
    virtualisation.vlans = map builtins.fromJSON (
      builtins.filter (vlan: builtins.elem name vlans.${vlan}) (builtins.attrNames vlans)
    );
  };

  configurationOf =
    set: ownModule: name: module:
    (import "${nixos}/lib/eval-config.nix" {
      inherit lib specialArgs;
      system = null;
      modules = [
        (machineModule name)
        microVms.module
        ownModule
        (networkModule name)
        (locate arguments "defaults" defaults)
        (locate set name module)
      ]
      ++ lib.optional assigned (vlansModule name);
    }).config;

  nodeConfigurations = builtins.mapAttrs (name: configurationOf nodes (nodeModule name) name) nodes;
  containerConfigurations = builtins.mapAttrs (configurationOf containers containerModule) containers;
  configurations = nodeConfigurations // containerConfigurations;

  # Calls a script's function with its arguments.
  callScript =
    script:
    let
      offered = {
        nodes = nodeConfigurations;
        containers = containerConfigurations;
      };
      taken = builtins.functionArgs script;
    in
    script (if taken == { } then offered else builtins.intersectAttrs taken offered);

  driverWith =
    extraDriverArgs:
    mkDriver (
      removeAttrs arguments [
        "backend"
        "defaults"
        "interactive"
        "requiredSystemFeatures"
        "specialArgs"
      ]
      // {
        nodes = nodeConfigurations;
        containers = containerConfigurations;
        vlans = checkedVlans;
        testScript = if lib.isFunction testScript then callScript testScript else testScript;
        extraDriverArgs = extraDriverArgs ++ arguments.extraDriverArgs or [ ];
      }
    );

  # The same test with the arguments of `interactive`.
  interactiveArguments =
    let
      onTop =
        kind:
        let
          given = arguments.${kind} or { };
        in
        lib.optionalAttrs (interactive ? ${kind}) {
          ${kind} =
            given
            // builtins.mapAttrs (name: module: {
              imports = lib.optional (given ? ${name}) (locate given name given.${name}) ++ [
                (locate interactive.${kind} name module)
              ];
            }) interactive.${kind};
        };
    in
    removeAttrs arguments [ "interactive" ]
    // interactive
    // onTop "nodes"
    // onTop "containers"
    // lib.optionalAttrs (interactive ? defaults) {
      defaults.imports = [
        (locate arguments "defaults" defaults)
        (locate interactive "defaults" interactive.defaults)
      ];
    };
in
# The machines' numbers are parts of addresses.
if count > 254 then
  throw "mkTest has ${toString count} nodes and containers, expected at most 254, which have addresses in one network"
else if containers != { } && !builtins.pathExists containersOfNixos then
  throw "this nixpkgs can't build containers, expected one that has nixos/modules/virtualisation/nspawn-container"
else
  runTest {
    inherit pkgs name meta;
    requiredSystemFeatures = systemFeatures;
    driver = driverWith [ ];
    passthru = {
      driverInteractive =
        if interactive == { } then
          driverWith [ "--interactive" ]
        else
          (mkTest (
            interactiveArguments
            // {
              extraDriverArgs = [ "--interactive" ] ++ interactiveArguments.extraDriverArgs or [ ];
            }
          )).driver;
      nodes = nodeConfigurations;
      containers = containerConfigurations;
    }
    // passthru;
  }
