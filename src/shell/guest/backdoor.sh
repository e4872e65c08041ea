# The backdoor shell evaluates this once, after install.sh. These variables are
# set before: `vw_token`, which every answer bears, so that all other text on the
# console is noise; and `vw_runner`, `vw_serve` and `vw_rest`, the texts of the
# files beside this one. They stay texts until they are needed, because each
# command has to copy what its shell has in memory, and a text is small.
# Nothing here parses what a test's author wrote: the runner reads that as data and
# evaluates it in a process of its own.

declare -A vw_device vw_pid

# Defines the functions that are seldom needed.
vw_seldom() {
  eval "$vw_rest"
  vw_rest=
}

# Ends the servers of an earlier session of this shell, which would hold the
# ports.
vw_forget() {
  local port
  for port in "${!vw_device[@]}"; do
    # A process that has ended may have left its number to another.
    [[ $'\n'$(jobs -p)$'\n' == *$'\n'${vw_pid[$port]-none}$'\n'* ]] ||
      continue
    vw_seldom
    vw_stop "$port"
  done
  vw_device=() vw_pid=()
}

# Says which ports of ours the guest has: their names, and their devices. The
# host asks again where it has not heard all of it.
vw_find() {
  local port name
  for port in /sys/class/virtio-ports/*; do
    name=
    read -r name <"$port/name" || [ -n "$name" ] || continue
    [ -e "/dev/${port##*/}" ] || continue
    case $name in
      vw.*)
        vw_device[$name]=/dev/${port##*/}
        printf '%s port %s %s\n' "$vw_token" "$name" "${port##*/vport}"
        ;;
    esac
  done 2>/dev/null
  printf '%s found\n' "$vw_token"
}

# Starts a server for a port.
vw_start() {
  eval "$vw_serve" &
  vw_pid[$1]=$!
}

vw_forget
unset -f vw_forget
printf '%s up %s\n' "$vw_token" "$BASH_VERSION"
vw_find
