# Tests on NixOS: the same two machines with the test framework, in both languages, and without it.
{ pkgs, vmwright }:
let
  server = {
    services.nginx.enable = true;
    networking.firewall.allowedTCPPorts = [ 80 ];
  };
  client =
    { pkgs, ... }:
    {
      environment.systemPackages = [ pkgs.curl ];
    };
  nodes = {
    inherit client server;
  };

  typescript = ''
    await startAll();
    await server.waitForUnit("nginx.service");
    await server.waitForOpenPort(80);
    await client.succeed("curl --fail http://server/");
  '';

  python = ''
    start_all()
    server.wait_for_unit("nginx.service")
    server.wait_for_open_port(80)
    client.succeed("curl --fail http://server/")
  '';
in
{
  framework-typescript = pkgs.testers.runNixOSTest {
    imports = [ vmwright.nixosModules.test ];
    name = "framework-typescript";
    inherit nodes;
    vmwright.language = "typescript";
    testScript = typescript;
  };

  framework-python = pkgs.testers.runNixOSTest {
    imports = [ vmwright.nixosModules.test ];
    name = "framework-python";
    inherit nodes;
    testScript = python;
  };

  without-framework = vmwright.lib.mkTest {
    inherit pkgs nodes;
    name = "without-framework";
    testScript = typescript;
  };
}
