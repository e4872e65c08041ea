# Checks the arguments of this project's functions, so that the error of a misspelt or wrong one is
# a sentence that names it.
{ lib }:
let
  inherit (builtins)
    attrNames
    filter
    head
    isAttrs
    isBool
    isFunction
    isInt
    isList
    isPath
    isString
    typeOf
    ;

  kind = description: check: { inherit description check; };
  isModule = value: isAttrs value || isFunction value || isPath value || isString value;

  boolean = kind "a boolean" isBool;
  list = kind "a list" isList;
  set = kind "an attribute set" isAttrs;
  string = kind "a string" isString;
  function = kind "a function" (value: isFunction value || value ? __functor);
  package = kind "a package" (value: isAttrs value || isString value || isPath value);
  # The function that uses the value checks it.
  anything = kind "anything" (_: true);

  optional = one: kind "${one.description} or null" (value: value == null || one.check value);
  either =
    one: other:
    kind "${one.description} or ${other.description}" (value: one.check value || other.check value);

  module = kind "a NixOS module" isModule;
  modules = kind "an attribute set of NixOS modules" (
    value: isAttrs value && builtins.all isModule (builtins.attrValues value)
  );

  backend =
    let
      inherit (import ./microvm/hypervisors.nix { inherit lib; }) names;
    in
    kind "one of ${lib.concatMapStringsSep ", " (name: "\"${name}\"") names}" (
      value: builtins.elem value names
    );

  kinds = rec {
    driver = {
      pkgs = set;
      name = string;
      inherit package;
      machines = set;
      nodes = set;
      containers = set;
      testScript = anything;
      testScriptLanguage = anything;
      vlans = optional (either list set);
      globalTimeout = kind "a number of seconds" isInt;
      enableOCR = boolean;
      extraPythonPackages = function;
      extraDriverArgs = list;
      snapshots = list;
      qemu = package;
      firecracker = package;
      cloudHypervisor = package;
      skipTypeCheck = boolean;
      skipLint = boolean;
      passthru = set;
      meta = set;
    };
    test = driver // {
      inherit backend;
      nodes = modules;
      containers = modules;
      defaults = module;
      specialArgs = set;
      interactive = set;
      requiredSystemFeatures = optional list;
    };
    suite = {
      pkgs = set;
      name = string;
      tests = set;
      inherit package;
      retries = kind "a number of attempts" isInt;
      failOnFlaky = boolean;
      history = optional package;
      rerun = anything;
      features = function;
      passthru = set;
      meta = set;
    };
  };

  # The words for types of values in errors.
  words = {
    bool = "a boolean";
    int = "a number";
    lambda = "a function";
    list = "a list";
    null = "null";
    set = "an attribute set";
    string = "a string";
  };
  describe = value: words.${typeOf value} or "a ${typeOf value}";
in
# Takes the function's name, the kind of its result ("driver", "test" or "suite") and its arguments, which it
# returns.
function: product: arguments:
let
  known = kinds.${product};
  unknown = filter (name: !known ? ${name}) (attrNames arguments);
  wrong = filter (name: !known.${name}.check arguments.${name}) (attrNames arguments);
  first = head wrong;
  # If only few values are possible, they tell more than the type.
  described =
    name:
    let
      value = arguments.${name};
    in
    if name == "backend" && isString value then "\"${value}\"" else describe value;
in
if unknown != [ ] then
  throw "${function} has no argument \"${head unknown}\", expected one of ${
    lib.concatMapStringsSep ", " (name: "\"${name}\"") (attrNames known)
  }"
else if wrong != [ ] then
  throw "the argument \"${first}\" of ${function} is ${described first}, expected ${known.${first}.description}"
else
  arguments
