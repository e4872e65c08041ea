# A small module system: options with types and defaults, `imports`, priorities, conditions, submodules.
# It takes the modules that these tests have and refuses a definition without an option.
{ lib }:
let
  inherit (builtins)
    attrNames
    concatMap
    elem
    filter
    foldl'
    functionArgs
    head
    intersectAttrs
    isAttrs
    isBool
    isFunction
    isInt
    isList
    isString
    length
    mapAttrs
    ;

  wrapped = kind: value: isAttrs value && value._type or null == kind;

  mkIf = condition: content: {
    _type = "if";
    inherit condition content;
  };
  mkMerge = contents: {
    _type = "merge";
    inherit contents;
  };
  mkOverride = priority: content: {
    _type = "override";
    inherit priority content;
  };

  # The definitions in a value, without conditions; each with its priority.
  definitions =
    priority: value:
    if wrapped "if" value then
      (if value.condition then definitions priority value.content else [ ])
    else if wrapped "merge" value then
      concatMap (definitions priority) value.contents
    else if wrapped "override" value then
      definitions value.priority value.content
    else
      [ { inherit priority value; } ];

  # The sets in a value. A definition of a whole set applies to each value in
  # it, and is not evaluated before that value.
  setsOf =
    value:
    if wrapped "if" value then
      map (mapAttrs (_: mkIf value.condition)) (setsOf value.content)
    else if wrapped "merge" value then
      concatMap setsOf value.contents
    else if wrapped "override" value then
      map (mapAttrs (_: mkOverride value.priority)) (setsOf value.content)
    else
      [ value ];

  # Of all definitions, the values of those with the strongest priority.
  strongest =
    values:
    let
      all = concatMap (definitions 100) values;
      best = foldl' (least: one: if one.priority < least then one.priority else least) 10000 all;
    in
    map (one: one.value) (filter (one: one.priority == best) all);

  # The same of values with the files that they are in.
  strongestOf =
    defined:
    let
      all = concatMap (
        { file, value }: map (one: one // { inherit file; }) (definitions 100 value)
      ) defined;
      best = foldl' (least: one: if one.priority < least then one.priority else least) 10000 all;
    in
    map (
      {
        file,
        priority,
        value,
      }:
      {
        inherit file value;
        raw = mkOverride priority value;
      }
    ) (filter (one: one.priority == best) all);

  namesOf = sets: lib.unique (concatMap attrNames sets);
  at = name: sets: concatMap (set: lib.optional (set ? ${name}) set.${name}) sets;
  mergeEach =
    element: path: sets:
    lib.genAttrs (namesOf sets) (name: element.merge "${path}.${name}" (strongest (at name sets)));

  scalar = name: check: {
    inherit name;
    merge =
      path: values:
      let
        wrong = filter (value: !check value) values;
      in
      if wrong != [ ] then
        throw "A definition for option `${path}' is not of type `${name}'"
      else if length (lib.unique values) > 1 then
        throw "The option `${path}' has conflicting definition values"
      else
        head values;
  };

  types = rec {
    str = scalar "string" isString;
    int = scalar "signed integer" isInt;
    bool = scalar "boolean" isBool;
    enum =
      values:
      scalar "one of ${lib.concatMapStringsSep ", " builtins.toJSON values}" (
        value: builtins.elem value values
      );
    path = scalar "path" (value: isString value || builtins.isPath value || value ? outPath);
    raw = {
      name = "raw";
      merge =
        path: values:
        if length values == 1 then
          head values
        else
          throw "The option `${path}' is defined multiple times while it's expected to be unique";
    };
    package = raw;
    functionTo = _: raw;
    either = _: _: raw;
    nullOr = _: raw;
    listOf = _: {
      name = "list";
      merge = _: builtins.concatLists;
    };
    attrsOf = element: {
      name = "attribute set";
      merge = mergeEach element;
    };
    lazyAttrsOf = attrsOf;
    deferredModule = {
      name = "module";
      merge = _: imports: { inherit imports; };
    };
    submodule = module: submoduleWith { modules = [ module ]; };
    submoduleWith =
      {
        modules,
        specialArgs ? { },
        freeform ? false,
      }:
      {
        name = "submodule";
        merge =
          path: values:
          removeAttrs
            (evalModules {
              modules = modules ++ values;
              specialArgs = {
                name = head (builtins.match ".*[.]([^.]*)" ".${path}");
              }
              // specialArgs;
              inherit freeform;
            }).config
            [ "_module" ];
      };
    # Sets are merged, lists joined.
    anything = {
      name = "anything";
      merge =
        path: values:
        if isList (head values) then
          builtins.concatLists values
        else if isAttrs (head values) && !(head values) ? type then
          mergeEach anything path values
        else
          head values;
    };
  };

  evalModules =
    {
      modules,
      specialArgs ? { },
      freeform ? false,
      ...
    }:
    let
      arguments = {
        inherit config options lib;
        extendModules =
          {
            modules ? [ ],
            specialArgs ? { },
          }@extension:
          evalModules {
            modules = allModules ++ extension.modules or [ ];
            specialArgs = outerArgs // extension.specialArgs or { };
            inherit freeform;
          };
        moduleType = types.submoduleWith {
          modules = allModules;
          specialArgs = outerArgs;
          inherit freeform;
        };
      }
      // specialArgs;
      allModules = modules;
      outerArgs = specialArgs;

      call =
        module:
        module (
          mapAttrs (name: _: arguments.${name} or config._module.args.${name}) (functionArgs module)
          // arguments
        );
      # A module without a file of its own is in that of the module that imports it.
      load =
        importer: module:
        let
          value = if isFunction module || isAttrs module then module else import module;
          set = if isFunction value then call value else value;
          structured = set ? config || set ? options;
          file = toString (set._file or importer);
          plain = {
            inherit file;
            imports = set.imports or [ ];
            options = set.options or { };
            config =
              if structured then
                set.config or { }
              else
                removeAttrs set [
                  "imports"
                  "key"
                  "_file"
                ];
          };
        in
        concatMap (load file) plain.imports ++ [ plain ];

      loaded = concatMap (load "<unknown-file>") (
        [
          {
            options._module.args = mkOption {
              type = types.lazyAttrsOf types.raw;
              default = { };
            };
          }
        ]
        ++ modules
      );

      isOption = wrapped "option";
      declared = foldl' lib.recursiveUpdate { } (map (module: module.options) loaded);
      options = withDefinitions [ ] declared;

      # The options, each with its definitions.
      withDefinitions =
        path: declared:
        mapAttrs (
          name: option:
          let
            here = path ++ [ name ];
            defined = concatMap (
              { file, config, ... }: map (value: { inherit file value; }) (valuesAt [ config ] here)
            ) loaded;
          in
          if isOption option then
            option // { definitionsWithLocations = strongestOf defined; }
          else
            withDefinitions here option
        ) declared;
      valuesAt = foldl' (sets: name: at name (concatMap setsOf sets));

      evaluate =
        path: declared: values:
        if isOption declared then
          let
            given = strongest values;
            value =
              if given != [ ] then
                declared.type.merge path given
              else if declared ? default then
                declared.default
              else
                throw "The option `${path}' is used but not defined";
          in
          (declared.apply or (value: value)) value
        else
          let
            sets = concatMap setsOf values;
            unknown = filter (name: !declared ? ${name}) (namesOf sets);
            prefix = if path == "" then "" else "${path}.";
          in
          mapAttrs (name: option: evaluate (prefix + name) option (at name sets)) declared
          // lib.genAttrs unknown (
            name:
            if freeform then
              types.anything.merge (prefix + name) (strongest (at name sets))
            else
              throw "The option `${prefix}${name}' does not exist"
          );

      config = evaluate "" declared (map (module: module.config) loaded);
      atTop = namesOf (concatMap (module: setsOf module.config) loaded);
      unknownAtTop = filter (name: !declared ? ${name}) atTop;
      fileOf =
        name:
        (head (filter (module: elem name (namesOf (setsOf module.config))) loaded)).file;
    in
    {
      inherit options;
      config =
        if unknownAtTop == [ ] || freeform then
          config
        else
          throw "The option `${head unknownAtTop}' does not exist. Definition values:\n- In `${fileOf (head unknownAtTop)}'";
      type = types.submoduleWith { inherit modules specialArgs freeform; };
    };

  mkOption = option: option // { _type = "option"; };

  # Another name of an option, with the priorities that definitions by it have.
  mkAliasOptionModule =
    from: to:
    let
      nested = path: value: foldl' (inner: name: { ${name} = inner; }) value (reversed path);
      reversed = foldl' (done: name: [ name ] ++ done) [ ];
      valueAt = foldl' (set: name: set.${name});
    in
    { config, options, ... }:
    {
      options = nested from (mkOption {
        type = types.raw // {
          merge = _: values: head values;
        };
        default = null;
        apply = _: valueAt config to;
      });
      config = nested to (
        mkMerge (map (definition: definition.raw) (valueAt options from).definitionsWithLocations)
      );
    };
in
{
  inherit
    evalModules
    mkAliasOptionModule
    mkIf
    mkMerge
    mkOption
    mkOverride
    types
    ;
  mkDefault = mkOverride 1000;
  mkForce = mkOverride 50;
}
