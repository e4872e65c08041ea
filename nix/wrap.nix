# One test's driver: vmwright wrapped with the test's script, machines and tools, so that
# `bin/nixos-test-driver` needs no arguments and no environment.
{
  pkgs,
  # vmwright itself.
  package,
  name,
  # "python" or "typescript".
  language,
  # The test script, a file.
  script,
  # Virtual machines and containers: their names, and what starts them, a start script or something with
  # a `bin/run-*-vm`, for containers a `bin/run-*-nspawn`.
  machines,
  containers ? [ ],
  vlans,
  globalTimeout,
  # A file for `--config`, which then says all of the above except the language.
  configurationFile ? null,
  extraDriverArgs ? [ ],
  # QEMU for scripts that call its tools.
  qemu,
  extraPackages ? [ ],
  extraPythonPackages ? _: [ ],
  enableOCR ? false,
  skipTypeCheck ? false,
  skipLint ? false,
  passthru ? { },
  meta ? { },
}:
let
  inherit (pkgs) lib;
  inherit (lib) escapeShellArg;
  inherit (import ./script.nix { inherit lib; }) identifier;

  # As the driver does: the only machine, of whichever kind, is `machine` too.
  names = map (machine: machine.name) (machines ++ containers);
  isAlone = builtins.length names == 1 && names != [ "machine" ];
  bind =
    ofOneKind:
    map (machine: identifier machine.name) ofOneKind
    ++ lib.optional (isAlone && ofOneKind != [ ]) "machine";
  boundMachines = bind machines;
  boundContainers = bind containers;
  boundVlans = map (vlan: "vlan${toString vlan}") vlans;

  isPython = language == "python";
  python = pkgs.python3.withPackages extraPythonPackages;
  tools = [
    qemu
  ]
  ++ lib.optionals isPython [
    # What Python scripts find beside upstream's driver.
    python
    pkgs.coreutils
    pkgs.netpbm
    pkgs.socat
  ]
  ++ lib.optional enableOCR (pkgs.tesseract4.override { enableLanguages = [ "eng" ]; })
  ++ extraPackages;

  hints = lib.concatMapStrings (hint: hint + "\n") (
    map (bound: "${bound}: QemuMachine") boundMachines
    ++ map (bound: "${bound}: NspawnMachine") boundContainers
    ++ map (bound: "${bound}: VLan") boundVlans
  );

  machineFlags = lib.optionalString (configurationFile != null) "--config ${configurationFile}";

  share = "${package}/share/vmwright";

  checkTypeScript = ''
    echo "Checking the types of the test script (skipTypeCheck leaves this out)"
    HOME=$TMPDIR deno run -A --no-config --no-lock ${share}/cli.js \
      check --language typescript ${machineFlags} ${escapeShellArg script}
  '';

  checkPython = ''
    echo "Checking the types of the test script (skipTypeCheck leaves this out)"
    cat ${./prelude.py} - ${escapeShellArg script} > test-script-with-types.py \
      <<< ${escapeShellArg hints}
    MYPYPATH=${share}/src/script/python mypy \
      --no-implicit-optional --follow-imports silent --pretty --no-color-output \
      --cache-dir "$TMPDIR/mypy" test-script-with-types.py
  '';

  # Every name in the prelude that is not there for its own sake is bound in scripts.
  commonNames = [
    "BaseMachine"
    "Machine"
    "NspawnMachine"
    "QemuMachine"
    "os"
  ]
  ++ lib.concatMap (
    line:
    let
      declared = builtins.match "([A-Za-z_]+): .*" line;
    in
    lib.optionals (declared != null) declared
  ) (lib.splitString "\n" (builtins.readFile ./prelude.py));

  lintPython = ''
    echo "Linting the test script (skipLint leaves this out)"
    PYFLAKES_BUILTINS=${
      lib.concatStringsSep "," (commonNames ++ boundMachines ++ boundContainers ++ boundVlans)
    } pyflakes ${escapeShellArg script}
  '';

  addStartScript = kind: machine: ''
    addStartScript ${kind} ${escapeShellArg machine.name} ${escapeShellArg "${machine.startScript}"}
  '';

  useStartScripts = ''
    scripts=()
    addStartScript() {
      local found=("$3")
      if [ -d "$3" ]; then
        found=("$3"/bin/run-*-"$1")
      fi
      if [ ''${#found[@]} != 1 ] || [ ! -e "''${found[0]}" ]; then
        echo "machine $2 has ''${found[*]}, expected a start script or a directory with one bin/run-*-$1" >&2
        exit 1
      fi
      # A machine is what its start script is called.
      if [ "$(basename "''${found[0]}")" != "run-$2-$1" ]; then
        mkdir -p "$out/start-scripts"
        ln -s "''${found[0]}" "$out/start-scripts/run-$2-$1"
        found=("$out/start-scripts/run-$2-$1")
      fi
      scripts+=("''${found[0]}")
    }
    ${lib.concatMapStrings (addStartScript "vm") machines}
    ${lib.concatMapStrings (addStartScript "nspawn") containers}
    export startScripts="''${scripts[*]}"
    export vlans=${escapeShellArg (toString vlans)}
  '';

  wrapperArguments = [
    "--prefix PATH : ${lib.makeBinPath tools}"
    # What was checked when the driver was built is not checked again at every run.
    ''--add-flags "--language ${language}${lib.optionalString (!isPython) " --no-check"}"''
  ]
  ++ map (argument: "--add-flags ${escapeShellArg argument}") extraDriverArgs
  ++ (
    if configurationFile != null then
      [ "--add-flags ${escapeShellArg machineFlags}" ]
    else
      [
        ''--set startScripts "$startScripts"''
        ''--set vlans "$vlans"''
        "--set testScript ${escapeShellArg script}"
        "--set globalTimeout ${toString globalTimeout}"
      ]
  );
in
pkgs.runCommand "nixos-test-driver-${name}"
  {
    nativeBuildInputs = [
      pkgs.makeWrapper
    ]
    ++ lib.optionals (isPython && !skipTypeCheck) [ pkgs.mypy ]
    ++ lib.optionals (isPython && !skipLint) [ pkgs.python3Packages.pyflakes ]
    # A compiled vmwright has no type checker in it, the Deno that it is built with has.
    ++ lib.optionals (!isPython && !skipTypeCheck) [ (package.deno or pkgs.deno) ];
    preferLocalBuild = true;
    inherit passthru;
    meta = meta // {
      mainProgram = "nixos-test-driver";
    };
  }
  ''
    mkdir -p $out/bin
    ln -s ${escapeShellArg script} $out/test-script
    ${lib.optionalString (configurationFile == null) useStartScripts}
    ${lib.optionalString (!isPython && !skipTypeCheck) checkTypeScript}
    ${lib.optionalString (isPython && !skipTypeCheck) checkPython}
    ${lib.optionalString (isPython && !skipLint) lintPython}
    makeWrapper ${package}/bin/vmwright $out/bin/nixos-test-driver \
      ${lib.concatStringsSep " " wrapperArguments}
  ''
