# A test script: its language, its file, and the names that are bound in it.
{ lib }:
let
  inherit (builtins)
    attrNames
    elem
    filter
    hasContext
    isPath
    isString
    length
    match
    substring
    ;

  languages = [
    "python"
    "typescript"
  ];

  quote = text: "\"${text}\"";
  enumerate = names: lib.concatMapStringsSep ", " quote names;
in
rec {
  inherit languages;

  # A file, or the derivation of one, keeps its place, so that relative imports work. Any other text
  # is the script itself.
  isFile =
    script:
    let
      isStorePath = match "${builtins.storeDir}/[^\n]+[.](ts|py)" script != null;
    in
    isPath script || lib.isDerivation script || (isString script && hasContext script && isStorePath);

  checkLanguage =
    language:
    if elem language languages then
      language
    else
      throw "the test script's language is ${quote (toString language)}, expected one of ${enumerate languages}";

  # The given language, or else that of the file's name, or else TypeScript.
  languageOf =
    script: asked:
    let
      extension = match ".*[.]([^./]*)" (baseNameOf (toString script));
    in
    if asked != null then
      checkLanguage asked
    else if !isFile script then
      "typescript"
    else if extension == [ "ts" ] then
      "typescript"
    else if extension == [ "py" ] then
      "python"
    else
      throw "the test script ${baseNameOf (toString script)} is in no known language, expected a name that ends in .ts or .py";

  # A file with the script. Its name has the language's extension, so that every tool recognises the
  # language.
  fileOf =
    pkgs: language: script:
    if isFile script then
      "${script}"
    else
      pkgs.writeText (if language == "typescript" then "test-script.ts" else "test-script") script;

  # The variable of a machine in a script.
  identifier =
    name:
    let
      first = substring 0 1 name;
    in
    (if match "[A-Za-z_]" first == null then "_" else first)
    + lib.stringAsChars (c: if match "[A-Za-z0-9_]" c == null then "_" else c) (substring 1 (-1) name);

  # The names, or an error if two machines have the same name in a script.
  checkNames =
    names:
    let
      alike = name: filter (other: identifier other == identifier name) names;
      clash = filter (name: length (alike name) > 1) names;
      first = builtins.head clash;
      second = builtins.elemAt (alike first) 1;
    in
    if clash == [ ] then
      names
    else if first == second then
      throw "two machines are called ${quote first}, expected a name of its own for each"
    else
      throw "the machines ${quote first} and ${quote second} are both called ${quote (identifier first)} in the test script, expected a name of its own for each";

  # The numbers of a node's VLANs.
  vlansOf =
    {
      virtualisation ? { },
      ...
    }:
    virtualisation.vlans or [ ]
    ++ lib.mapAttrsToList (_: interface: interface.vlan) (virtualisation.interfaces or { });

  # The numbers of VLANs given as a list, or as `{ "<number>" = [ <machine> … ]; }`.
  vlanNumbers =
    machineNames: vlans:
    let
      number =
        vlan:
        if match "[0-9]+" vlan == null then
          throw "a VLAN is called ${quote vlan}, expected a number"
        else
          builtins.fromJSON vlan;
      unknown = vlan: filter (name: !elem name machineNames) vlans.${vlan};
      checked =
        vlan:
        if unknown vlan == [ ] then
          number vlan
        else
          throw "VLAN ${vlan} lists ${quote (builtins.head (unknown vlan))}, expected one of the test's machines: ${enumerate machineNames}";
    in
    if builtins.isAttrs vlans then map checked (attrNames vlans) else lib.unique vlans;
}
