{
  description = "A NixOS test driver in TypeScript";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      forAllSystems =
        output:
        nixpkgs.lib.genAttrs systems (
          system:
          output {
            inherit system;
            pkgs = nixpkgs.legacyPackages.${system};
          }
        );

      packageFor =
        pkgs:
        let
          inherit (pkgs.stdenv.hostPlatform) system;
          unknown = throw "vmwright runs on ${toString systems}, not on ${system}";
        in
        (self.packages.${system} or unknown).default;
      testLib = import ./nix/lib.nix { inherit packageFor; };
    in
    {
      lib = testLib;

      # For `imports` of a test of the NixOS test framework.
      nixosModules.test = testLib.testModule { };

      overlays.default = final: _: { vmwright = final.callPackage ./nix/package.nix { }; };

      packages = forAllSystems (
        { pkgs, system }:
        {
          default = self.packages.${system}.vmwright;
          vmwright = pkgs.callPackage ./nix/package.nix { };
          # The same program as a bundled script on nixpkgs' Deno.
          script = pkgs.callPackage ./nix/package.nix { compiled = false; };
        }
      );

      checks = forAllSystems (
        { pkgs, system }:
        import ./nix/checks.nix {
          inherit pkgs;
          vmwright = self;
        }
        // {
          inherit (self.packages.${system}) vmwright script;
        }
      );

      devShells = forAllSystems (
        { pkgs, ... }:
        {
          default = pkgs.mkShell {
            packages = [
              pkgs.deno
              pkgs.python3
              pkgs.qemu_test
              pkgs.tesseract4
              pkgs.util-linux
              pkgs.vde2
            ];
          };
        }
      );

      formatter = forAllSystems ({ pkgs, ... }: pkgs.nixfmt-tree);

      templates.default = {
        path = ./nix/template;
        description = "A NixOS test in TypeScript";
      };
    };
}
