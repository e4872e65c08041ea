import { assertMatch, assertRejects } from "@std/assert";
import { missing, Nix, NixError, root } from "./nix.ts";

const typescript = 'testScript = "await startAll();";';

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
  "a framework test's script in a language that is not known": [
    `(standIn "configuration" { imports = [ (vmwright.testModule { }) ]; name = "x"; ${typescript} testScriptLanguage = "perl"; }).config.test`,
    `the test script's language is "perl", expected one of "python", "typescript"`,
  ],
  "a Deno that is too old for vmwright": [
    `pkgs.callPackage ${root}/nix/package.nix { deno = pkgs.deno // { version = "2.5.6"; }; }`,
    `this nixpkgs has Deno 2.5.6, expected 2.8 or newer for vmwright`,
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

Deno.test("evaluation fails in one sentence for", {
  ignore: missing !== undefined,
}, async (t) => {
  await using nix = new Nix();
  for (const [name, [expression, sentence]] of Object.entries(cases)) {
    await t.step(name, async () => {
      const error = await assertRejects(
        () => nix.evaluate(`(${expression}).drvPath`),
        NixError,
      );
      const [first, ...rest] = error.message.trim().split("\n");
      assertMatch(first, new RegExp(`^error: ${escape(sentence)}$`));
      assertMatch(rest.join("\n"), /^(?:\(use '--show-trace' .*\))?$/);
    });
  }
});

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
