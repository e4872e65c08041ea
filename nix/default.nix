# vmwright without flakes: the flake's outputs, for one package set.
{
  pkgs ? import <nixpkgs> { },
}:
let
  testLib = import ./lib.nix { packageFor = pkgs: pkgs.callPackage ./package.nix { }; };
in
{
  lib = testLib;
  nixosModules.test = testLib.testModule { };
  overlays.default = final: _: { vmwright = final.callPackage ./package.nix { }; };
  vmwright = pkgs.callPackage ./package.nix { };
}
