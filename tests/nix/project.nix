# What the tests' expressions begin with: the project's `lib` on the tests' own package set.
let
  pkgs = import ./nixpkgs { };
  package = import ./package.nix { inherit pkgs; };
in
{
  inherit pkgs package;
  inherit (pkgs) lib;

  vmwright = import ../../nix/lib.nix { packageFor = _: package; };

  # A test in the framework's stand-in of a generation.
  standIn =
    generation: module:
    (import ./nixpkgs/nixos/lib/testing {
      inherit (pkgs) lib;
      inherit generation;
    }).evalTest
      {
        imports = [ module ];
        hostPkgs = pkgs;
      };

  # A test in the real framework of a tree with nixpkgs' `lib` and `nixos/lib/testing`. Its nodes are no
  # NixOS: they have the options that the framework reads, and take any other.
  real =
    nixpkgs: module:
    let
      lib = import "${nixpkgs}/lib";
      realPkgs = import ./nixpkgs { inherit lib; };
      machineType =
        kind:
        lib.types.submodule (
          { config, name, ... }:
          {
            freeformType = lib.types.lazyAttrsOf lib.types.anything;
            options = {
              networking.hostName = lib.mkOption { default = name; };
              system.name = lib.mkOption { default = config.networking.hostName; };
              system.build = lib.mkOption {
                default.${kind} = realPkgs.runCommand "${kind}-${config.system.name}" {
                  meta.mainProgram = "run-${config.system.name}-${kind}";
                } "mkdir $out";
              };
              virtualisation.vlans = lib.mkOption { default = [ 1 ]; };
              virtualisation.interfaces = lib.mkOption { default = { }; };
              virtualisation.useNixStoreImage = lib.mkOption { default = false; };
            };
          }
        );
    in
    (import "${nixpkgs}/nixos/lib/testing" { inherit lib; }).evalTest (
      { options, ... }:
      {
        imports = [ module ];
        config = {
          # Frameworks of 2024 and 2025 hand modules the spliced packages as `hostPkgs`.
          hostPkgs = realPkgs // {
            __splicedPackages = realPkgs;
          };
          node.type = machineType "vm";
        }
        // lib.optionalAttrs (options ? container) {
          container.type = machineType "nspawn";
        };
      }
    );
}
