# The functions of nixpkgs' `lib` that the project's Nix files use, and no others: what is missing here
# is a name that they may not use, or one to add.
let
  inherit (builtins)
    attrNames
    concatStringsSep
    elem
    elemAt
    filter
    foldl'
    genList
    head
    isAttrs
    isList
    length
    listToAttrs
    mapAttrs
    match
    replaceStrings
    stringLength
    substring
    ;

  lib = rec {
    inherit (builtins)
      attrNames
      attrValues
      concatMap
      concatStringsSep
      foldl'
      head
      isFunction
      listToAttrs
      ;
    inherit (import ./modules.nix { inherit lib; })
      evalModules
      mkAliasOptionModule
      mkDefault
      mkForce
      mkIf
      mkMerge
      mkOption
      mkOverride
      types
      ;

    # Lists and sets
    optional = condition: value: if condition then [ value ] else [ ];
    optionals = condition: values: if condition then values else [ ];
    optionalAttrs = condition: set: if condition then set else { };
    unique = foldl' (seen: value: if elem value seen then seen else seen ++ [ value ]) [ ];
    imap1 = f: list: genList (index: f (index + 1) (elemAt list index)) (length list);
    nameValuePair = name: value: { inherit name value; };
    genAttrs = names: f: listToAttrs (map (name: nameValuePair name (f name)) names);
    mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
    recursiveUpdate =
      left: right:
      let
        update =
          name: value:
          if isAttrs value && isAttrs (left.${name} or null) then
            recursiveUpdate left.${name} value
          else
            value;
      in
      left // mapAttrs update right;

    filterAttrs =
      keep: set:
      listToAttrs (
        map (name: nameValuePair name set.${name}) (filter (name: keep name set.${name}) (attrNames set))
      );
    subtractLists = without: filter (value: !elem value without);
    mod = base: int: base - int * (builtins.div base int);

    isDerivation = value: value.type or null == "derivation";

    # Strings
    versionOlder = version: than: builtins.compareVersions version than < 0;
    optionalString = condition: text: if condition then text else "";
    concatMapStrings = f: list: concatStringsSep "" (map f list);
    concatMapStringsSep =
      separator: f: list:
      concatStringsSep separator (map f list);
    splitString = separator: text: filter (part: !isList part) (builtins.split separator text);
    stringAsChars = f: text: concatMapStrings f (splitLetters text);
    hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
    removePrefix =
      prefix: text:
      if substring 0 (stringLength prefix) text == prefix then
        substring (stringLength prefix) (-1) text
      else
        text;
    fixedWidthString =
      width: filler: text:
      if stringLength text < width then fixedWidthString width filler (filler + text) else text;
    toLower = replaceStrings (splitLetters "ABCDEFGHIJKLMNOPQRSTUVWXYZ") (
      splitLetters "abcdefghijklmnopqrstuvwxyz"
    );
    splitLetters = text: genList (at: substring at 1 text) (stringLength text);
    toHexString =
      number:
      let
        digit = substring (number - 16 * (number / 16)) 1 "0123456789ABCDEF";
      in
      if number < 16 then digit else toHexString (number / 16) + digit;
    escapeShellArg =
      argument:
      let
        text = toString argument;
      in
      if match "[[:alnum:],._+:@%/-]+" text != null then
        text
      else
        "'${replaceStrings [ "'" ] [ "'\\''" ] text}'";
    escapeShellArgs = concatMapStringsSep " " escapeShellArg;
    makeBinPath = concatMapStringsSep ":" (package: "${package}/bin");
    getExe = package: "${package}/bin/${package.meta.mainProgram}";

    warn = message: builtins.trace "warning: ${message}";
    literalMD = text: { inherit text; };
    licenses.mit.spdxId = "MIT";
  };
in
lib
