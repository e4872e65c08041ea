# The microVMs of a test: the module for its nodes, and what they take.
{ lib }:
{
  # For nodes that name none.
  backend,
  # The package set of the driver's host.
  hostPkgs,
  # The configurations of the test's nodes, by name.
  nodes,
  # The number of a machine in its addresses, by its name.
  numberOf,
  # Whether vmwright runs the test.
  enable ? true,
}:
let
  configurations = builtins.filter isMicroVm (builtins.attrValues nodes);
  isMicroVm = node: !builtins.elem (node.vmwright.backend or null) [ null "qemu" ];
in
{
  module = import ./module.nix {
    inherit
      backend
      enable
      hostPkgs
      numberOf
      ;
    store = import ./store-image.nix {
      pkgs = hostPkgs;
      paths = lib.concatMap (
        node: [ node.system.build.toplevel ] ++ node.virtualisation.additionalPaths or [ ]
      ) configurations;
    };
  };

  names = builtins.filter (name: isMicroVm nodes.${name}) (builtins.attrNames nodes);
}
