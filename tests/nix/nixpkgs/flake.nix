{
  description = "A package set for the tests of the Nix files, in nixpkgs' place";

  outputs = _: {
    lib = import ./lib.nix;
    legacyPackages = {
      x86_64-linux = import ./. { system = "x86_64-linux"; };
      aarch64-linux = import ./. { system = "aarch64-linux"; };
    };
  };
}
