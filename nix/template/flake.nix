{
  description = "A NixOS test in TypeScript";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    vmwright.url = "github:vmwright/vmwright";
    # To build vmwright with the same nixpkgs, which must have Deno 2.8 or newer:
    # vmwright.inputs.nixpkgs.follows = "nixpkgs";
  };

  outputs =
    { nixpkgs, vmwright, ... }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
    in
    {
      checks = nixpkgs.lib.genAttrs systems (system: {
        web = nixpkgs.legacyPackages.${system}.testers.runNixOSTest {
          imports = [ vmwright.nixosModules.test ];
          name = "web";

          nodes.server = {
            services.nginx.enable = true;
            networking.firewall.allowedTCPPorts = [ 80 ];
          };
          nodes.client =
            { pkgs, ... }:
            {
              environment.systemPackages = [ pkgs.curl ];
            };

          vmwright.language = "typescript";
          testScript = builtins.readFile ./web.ts;
        };
      });
    };
}
