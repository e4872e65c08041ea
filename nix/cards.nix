# The network cards of a node, one for each of its interfaces. Addresses are made of the VLAN's number
# and the node's, as the NixOS test framework makes them.
{ lib }:
let
  hexadecimal = number: lib.fixedWidthString 2 "0" (lib.toHexString number);

  # The value of `virtualisation.allInterfaces` in newer versions of NixOS, from options of all
  # versions.
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
in
# Takes the node's number and its configuration.
number: configuration:
lib.imap1 (index: interface: {
  interface = interface.name;
  ipv4 = "192.168.${toString interface.vlan}.${toString number}";
  ipv6 = "2001:db8:${toString interface.vlan}::${toString number}";
  mac = "52:54:00:12:${hexadecimal interface.vlan}:${hexadecimal number}";
  inherit (interface) vlan assignIP;
  inherit index;
}) (interfacesOf configuration)
