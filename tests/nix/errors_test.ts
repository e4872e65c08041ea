import { assertEquals, assertRejects } from "@std/assert";
import { Nix, NixError, releases, root } from "./nix.ts";

const typescript = 'testScript = "await startAll();";';

const inFramework =
  `standIn "configuration" { imports = [ (vmwright.testModule { }) ]; name = "x"; ${typescript}`;

/** Expressions and the one sentence that nix prints for each. */
const cases: Record<string, [expression: string, sentence: string]> = {
  "a VLAN with a machine that the test does not have": [
    `vmwright.mkDriver { inherit pkgs; ${typescript} machines = { client = "/client"; server = "/server"; }; vlans."1" = [ "clinet" ]; }`,
    `VLAN 1 lists "clinet", expected one of the test's machines: "client", "server"`,
  ],
  "a VLAN with a node that the test does not have": [
    `vmwright.mkTest { inherit pkgs; ${typescript} nodes.server = { }; vlans."1" = [ "server" "client" ]; }`,
    `VLAN 1 lists "client", expected one of the test's machines: "server"`,
  ],
  "a VLAN that is no number": [
    `vmwright.mkDriver { inherit pkgs; ${typescript} vlans.lan = [ ]; }`,
    `a VLAN is called "lan", expected a number`,
  ],
  "a script whose name tells no language": [
    `vmwright.mkDriver { inherit pkgs; testScript = ${root}/tests/nix/project.nix; }`,
    `the test script project.nix is in no known language, expected a name that ends in .ts or .py`,
  ],
  "a script in a language that is not known": [
    `vmwright.mkTest { inherit pkgs; ${typescript} testScriptLanguage = "perl"; }`,
    `the test script's language is "perl", expected one of "python", "typescript"`,
  ],
  // The words of nixpkgs' own modules name the file, too.
  "a framework test's script in a language that is not known": [
    `(${inFramework} vmwright.language = "perl"; }).config.test`,
    `A definition for option \`vmwright.language' is not of type \`one of "python", "typescript"'`,
  ],
  "the same by the option's older name": [
    `(${inFramework} testScriptLanguage = "perl"; }).config.test`,
    `A definition for option \`vmwright.language' is not of type \`one of "python", "typescript"'`,
  ],
  "a framework test with a driver of its own": [
    `(standIn "configuration" { name = "x"; ${typescript} imports = [ (vmwright.testModule { }) { _file = "/my/test.nix"; driver = pkgs.coreutils; } ]; }).config.test`,
    "the test defines a `driver` of its own, in place of which vmwright puts its own, expected `vmwright.enable = false` or `driver = lib.mkForce …`; it is defined in <unknown-file> and in /my/test.nix",
  ],
  "an argument that mkTest does not have": [
    `vmwright.mkTest { inherit pkgs; ${typescript} skipTypecheck = true; }`,
    `mkTest has no argument "skipTypecheck", expected one of "backend", "cloudHypervisor", "containers", "defaults", "enableOCR", "extraDriverArgs", "extraPythonPackages", "firecracker", "globalTimeout", "interactive", "machines", "meta", "name", "nodes", "package", "passthru", "pkgs", "qemu", "requiredSystemFeatures", "skipLint", "skipTypeCheck", "snapshots", "specialArgs", "testScript", "testScriptLanguage", "vlans"`,
  ],
  "an argument that mkDriver does not have": [
    `vmwright.mkDriver { inherit pkgs; ${typescript} defaults = { }; }`,
    `mkDriver has no argument "defaults", expected one of "cloudHypervisor", "containers", "enableOCR", "extraDriverArgs", "extraPythonPackages", "firecracker", "globalTimeout", "machines", "meta", "name", "nodes", "package", "passthru", "pkgs", "qemu", "skipLint", "skipTypeCheck", "snapshots", "testScript", "testScriptLanguage", "vlans"`,
  ],
  "an argument of mkTest of a wrong type": [
    `vmwright.mkTest { inherit pkgs; ${typescript} globalTimeout = "1h"; }`,
    `the argument "globalTimeout" of mkTest is a string, expected a number of seconds`,
  ],
  "nodes of mkTest that are no modules": [
    `vmwright.mkTest { inherit pkgs; ${typescript} nodes = [ ]; }`,
    `the argument "nodes" of mkTest is a list, expected an attribute set of NixOS modules`,
  ],
  "an argument for interactive use that mkTest does not have": [
    `(vmwright.mkTest { inherit pkgs; ${typescript} interactive.node.x = { }; }).driverInteractive`,
    `mkTest has no argument "node", expected one of "backend", "cloudHypervisor", "containers", "defaults", "enableOCR", "extraDriverArgs", "extraPythonPackages", "firecracker", "globalTimeout", "interactive", "machines", "meta", "name", "nodes", "package", "passthru", "pkgs", "qemu", "requiredSystemFeatures", "skipLint", "skipTypeCheck", "snapshots", "specialArgs", "testScript", "testScriptLanguage", "vlans"`,
  ],
  "more nodes than a network has addresses": [
    `vmwright.mkTest { inherit pkgs; ${typescript} nodes = lib.genAttrs (builtins.genList (n: "n\${toString n}") 255) (_: { }); }`,
    `mkTest has 255 nodes and containers, expected at most 254, which have addresses in one network`,
  ],
  "a VLAN that is in no address": [
    `vmwright.mkTest { inherit pkgs; ${typescript} nodes.server.virtualisation.vlans = [ 256 ]; }`,
    `a machine is in VLAN 256, expected at most 255, which is a part of its addresses`,
  ],
  "a node and a container of one name": [
    `vmwright.mkTest { inherit pkgs; ${typescript} nodes.server = { }; containers.server = { }; }`,
    `two machines are called "server", expected a name of its own for each`,
  ],
  "containers of a nixpkgs that has none": [
    `vmwright.mkTest { pkgs = pkgs // { path = ${root}/nix; }; ${typescript} containers.server = { }; }`,
    `this nixpkgs can't build containers, expected one that has nixos/modules/virtualisation/nspawn-container`,
  ],
  "a Deno that is too old for vmwright": [
    `pkgs.callPackage ${root}/nix/package.nix { deno = pkgs.deno // { version = "2.5.6"; }; }`,
    `this nixpkgs has Deno 2.5.6, expected 2.8 or newer for vmwright`,
  ],
  "a hypervisor that there is none of": [
    `vmwright.mkTest { inherit pkgs; ${typescript} backend = "kvm"; }`,
    `the argument "backend" of mkTest is "kvm", expected one of "qemu", "cloud-hypervisor", "firecracker"`,
  ],
  "a Firecracker that is too old": [
    `vmwright.mkTest { inherit pkgs; ${typescript} backend = "firecracker"; nodes.server = { }; firecracker = pkgs.firecracker // { version = "1.15.0"; }; }`,
    "vmwright has got Firecracker 1.15.0, expected 1.16.1 or newer: `firecracker` of mkTest and `vmwright.firecracker` of a framework test take another package",
  ],
  "an ssh backdoor of a microVM": [
    `(${inFramework} sshBackdoor.enable = true; nodes.server.vmwright.backend = "cloud-hypervisor"; }).config.driver`,
    `the test has sshBackdoor.enable, and its node server runs on Cloud Hypervisor, expected vmwright.backend = "qemu" for all nodes: the driver makes no ssh backdoor for others`,
  ],
  "two machines of one name": [
    `vmwright.mkDriver { inherit pkgs; ${typescript} machines.server = "/server"; nodes.server = { }; }`,
    `two machines are called "server", expected a name of its own for each`,
  ],
  "two machines that a script could not tell apart": [
    `vmwright.mkDriver { inherit pkgs; ${typescript} machines.web-1 = "/a"; machines.web_1 = "/b"; }`,
    `the machines "web-1" and "web_1" are both called "web_1" in the test script, expected a name of its own for each`,
  ],
  "two machines that a framework test's script could not tell apart": [
    `(standIn "configuration" { imports = [ (vmwright.testModule { }) ]; name = "x"; ${typescript} testScriptLanguage = "typescript"; nodes.web-1 = { }; containers.web_1 = { }; }).config.driver`,
    `the machines "web-1" and "web_1" are both called "web_1" in the test script, expected a name of its own for each`,
  ],
};

for (const release of releases) {
  Deno.test(`evaluation by Nix ${release.version} fails in one sentence for`, async (t) => {
    await using nix = new Nix({}, release);
    for (const [name, [expression, sentence]] of Object.entries(cases)) {
      await t.step(name, async () => {
        const error = await assertRejects(
          () => nix.evaluate(`(${expression}).drvPath`),
          NixError,
        );
        assertEquals(sentenceOf(error), sentence);
      });
    }
  });
}

/** What a Nix says is wrong: at the beginning in older ones, after its trace in newer ones. */
function sentenceOf({ message }: NixError): string {
  const [, said] = /(?:^|\n) *error: (?!\n)((?:(?!\n *error: )[^])*)$/
    .exec(message)!;
  return said.replace(/\n\(use '--show-trace' .*\)/, "")
    .replaceAll(/\n +/g, "\n").trim();
}
