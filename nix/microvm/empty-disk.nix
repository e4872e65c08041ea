# A disk with nothing on it.
{
  pkgs,
  # MiB.
  size,
}:
pkgs.runCommand "microvm-disk-${toString size}"
  {
    preferLocalBuild = true;
    allowSubstitutes = false;
  }
  ''
    truncate -s ${toString size}M $out
  ''
