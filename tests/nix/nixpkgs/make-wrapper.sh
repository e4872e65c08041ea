#!/bin/bash
# makeWrapper PROGRAM WRAPPER [--set NAME VALUE] [--prefix NAME SEPARATOR VALUE] [--add-flags FLAGS]
set -eu
program=$1 wrapper=$2
mkdir -p "$(dirname "$wrapper")"
shift 2
lines=() flags=
while [ $# -gt 0 ]; do
  case $1 in
    --set)
      lines+=("export $2=${3@Q}")
      shift 3
      ;;
    --prefix)
      lines+=("export $2=${4@Q}\${$2:+${3@Q}\$$2}")
      shift 4
      ;;
    --add-flags)
      flags+=" $2"
      shift 2
      ;;
    *)
      echo "makeWrapper: $1 is not known here" >&2
      exit 1
      ;;
  esac
done
{
  echo '#!/bin/bash -e'
  for line in "${lines[@]}"; do echo "$line"; done
  echo "exec ${program@Q}$flags \"\$@\""
} > "$wrapper"
chmod +x "$wrapper"
