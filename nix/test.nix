# `lib.mkTest`: a test from NixOS modules, without the test framework. Takes what `mkDriver` takes, with
# a module for each node and a script that may be a function of the nodes' configurations.
{ mkDriver, runTest }:
{
  pkgs,
  name ? "test",
  # NixOS modules by name.
  nodes ? { },
  # A NixOS module for all nodes.
  defaults ? { },
  specialArgs ? { },
  testScript,
  # As for `mkDriver`; the attribute set also puts its nodes into these VLANs. By default
  # the nodes' own `virtualisation.vlans`.
  vlans ? null,
  requiredSystemFeatures ? [
    "nixos-test"
    "kvm"
  ],
  passthru ? { },
  meta ? { },
  ...
}@arguments:
let
  inherit (pkgs) lib;
  nixos = "${toString pkgs.path}/nixos";
  scripts = import ./script.nix { inherit lib; };

  names = builtins.attrNames nodes;
  assigned = builtins.isAttrs vlans;
  given =
    if vlans == null then
      [ ]
    else
      scripts.vlanNumbers (names ++ builtins.attrNames (arguments.machines or { })) vlans;
  checkedVlans = lib.unique (
    given ++ lib.concatMap scripts.vlansOf (builtins.attrValues configurations)
  );

  numberOf = lib.listToAttrs (lib.imap1 (number: name: lib.nameValuePair name number) names);

  hexadecimal = number: lib.fixedWidthString 2 "0" (lib.toHexString number);

  # What newer versions of NixOS have in `virtualisation.allInterfaces`, from options that all of them have.
  interfacesOf =
    { virtualisation, ... }:
    lib.imap1 (index: vlan: {
      name = "eth${toString index}";
      assignIP = true;
      inherit vlan;
    }) virtualisation.vlans
    ++ lib.mapAttrsToList (name: interface: { inherit name; } // interface) (
      virtualisation.interfaces or { }
    );

  # Every node has one network card for each of its interfaces, and most have an address, from the VLAN's
  # number and its own.
  cardsOf =
    name: configuration:
    lib.imap1 (index: interface: {
      interface = interface.name;
      address = "192.168.${toString interface.vlan}.${toString numberOf.${name}}";
      mac = "52:54:00:12:${hexadecimal interface.vlan}:${hexadecimal numberOf.${name}}";
      inherit (interface) vlan assignIP;
      inherit index;
    }) (interfacesOf configuration);
  addressesOf =
    name: configuration:
    map (card: card.address) (builtins.filter (card: card.assignIP) (cardsOf name configuration));

  networkModule =
    name:
    { config, ... }:
    let
      cards = cardsOf name config;
      addresses = addressesOf name config;
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
                  inherit (card) address;
                  prefixLength = 24;
                }
              ];
            }
          ) (builtins.filter (card: card.assignIP) cards)
        );
        primaryIPAddress = lib.optionalString (addresses != [ ]) (builtins.head addresses);
        # Any node finds any other by its name, at its first address.
        extraHosts = lib.concatMapStrings (
          other:
          let
            configuration = configurations.${other};
            addresses = addressesOf other configuration;
          in
          lib.optionalString (
            addresses != [ ]
          ) "${builtins.head addresses} ${configuration.networking.hostName}\n"
        ) names;
      };
      virtualisation.qemu.options = lib.concatMap (card: [
        "-device virtio-net-pci,netdev=vlan${toString card.index},mac=${card.mac}"
        "-netdev vde,id=vlan${toString card.index},sock=\"$QEMU_VDE_SOCKET_${toString card.vlan}\""
      ]) cards;
      boot.initrd.services.udev.rules = lib.concatMapStrings (card: ''
        SUBSYSTEM=="net",ACTION=="add",ATTR{address}=="${lib.toLower card.mac}",NAME="${card.interface}"
      '') cards;
    };

  testModule = {
    imports = [
      "${nixos}/modules/virtualisation/qemu-vm.nix"
      "${nixos}/modules/testing/test-instrumentation.nix"
    ];
    nixpkgs.pkgs = lib.mkDefault pkgs;
    documentation.nixos.enable = lib.mkDefault false;
    virtualisation.qemu.package = arguments.qemu or pkgs.qemu_test;
    virtualisation.host.pkgs = lib.mkDefault pkgs;
    _module.args.nodes = configurations;
  };

  vlansModule = name: {
    virtualisation.vlans = map builtins.fromJSON (
      builtins.filter (vlan: builtins.elem name vlans.${vlan}) (builtins.attrNames vlans)
    );
  };

  configurationOf =
    name: module:
    (import "${nixos}/lib/eval-config.nix" {
      inherit specialArgs;
      system = null;
      modules = [
        testModule
        (networkModule name)
        defaults
        module
      ]
      ++ lib.optional assigned (vlansModule name);
    }).config;

  configurations = builtins.mapAttrs configurationOf nodes;

  driverWith =
    extraDriverArgs:
    mkDriver (
      removeAttrs arguments [
        "defaults"
        "specialArgs"
        "requiredSystemFeatures"
      ]
      // {
        nodes = configurations;
        vlans = checkedVlans;
        testScript =
          if lib.isFunction testScript then testScript { nodes = configurations; } else testScript;
        extraDriverArgs = extraDriverArgs ++ arguments.extraDriverArgs or [ ];
      }
    );
in
runTest {
  inherit
    pkgs
    name
    requiredSystemFeatures
    meta
    ;
  driver = driverWith [ ];
  passthru = {
    driverInteractive = driverWith [ "--interactive" ];
    nodes = configurations;
  }
  // passthru;
}
