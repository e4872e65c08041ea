# Evaluated once by the backdoor shell, which keeps these functions. `vw_token`
# is set before: every answer bears it, so that whatever else is written to the
# console is noise. Nothing here parses what a test author wrote: the runner
# reads that as data and evaluates it in a process of its own.

# What the process of a command runs first. It has no interpreter line on
# purpose: when execve refuses it (ENOEXEC), the forked bash starts over in
# place as a fresh shell, with its own $$ and none of our variables, for a
# twentieth of what a new program costs. It is started before there is a
# command and waits for one.
# fd 1: where the output goes. fd 3: a header of 24 bytes (8 digits of length,
# where stderr goes, where stdin comes from) and the command. fd 4: the serial
# port. fd 9: this text.
# It is one line, since that is what messages say of an author's first one.
vw_runner='
  LC_ALL=C IFS= read -r -N 24 REPLY <&3 || exit 0;
  set -- "${REPLY:8}" $((10#${REPLY:0:8}));
  REPLY=;
  [ $2 = 0 ] || LC_ALL=C IFS= read -r -N $2 REPLY <&3 || exit 0;
  case $1 in
    serial*) exec 2>&4 ;;
    merge*) exec 2>&1 ;;
    *) exec 2>"/dev/vport${1%% *}" ;;
  esac;
  case $1 in
    *port*) exec <&3 ;;
    *) exec </dev/null ;;
  esac;
  exec 3>&- 4>&- 9>&-;
  BASH_ARGV0=bash BASH_SUBSHELL=0 SECONDS=0 SHLVL=$((SHLVL + 1));
  hash -r;
  set --;
  BASH_EXECUTION_STRING="set -euo pipefail; $REPLY";
  unset REPLY;
  eval "$BASH_EXECUTION_STRING"'
vw_runner=${vw_runner//$'\n'/}

# Where such a file can be executed, it is opened and forgotten; where no
# writable place allows that, every command costs a new bash. Messages of bash's
# own begin with the path by which it is executed, /proc/self/fd/9, and not with
# $0: they take that from BASH_SOURCE, which bash lets nobody change.
vw_shell=("$BASH" -c "$vw_runner" bash)
vw_install() {
  local place file
  for place in /run /dev/shm /tmp /var/tmp /; do
    file=$place/.vw$$
    printf %s "$vw_runner" 2>/dev/null >"$file" || continue
    chmod 700 "$file" && exec 9<"$file"
    { rm -f "$file" & } 2>/dev/null
    if /proc/self/fd/9 3</dev/null; then
      vw_shell=(/proc/self/fd/9)
      return
    fi
    exec 9<&-
  done
}
vw_install 2>/dev/null

declare -A vw_device vw_pid

# Says which ports of ours the guest has: their names, and their devices.
vw_find() {
  local port name
  for port in /sys/class/virtio-ports/*; do
    name=
    read -r name <"$port/name" || [ -n "$name" ] || continue
    [ -n "${vw_device[$name]-}" ] || [ ! -e "/dev/${port##*/}" ] && continue
    case $name in
      vw.*)
        vw_device[$name]=/dev/${port##*/}
        printf '%s port %s %s\n' "$vw_token" "$name" "${port##*/vport}"
        ;;
    esac
  done 2>/dev/null
  printf '%s found\n' "$vw_token"
}

# Serves a port: one waiting runner after the other. A port is closed after
# each command and opened again; that fails while a child that the command left
# behind still holds it, and then the port is given up. What it holds at first
# was sent to a guest before this one, and is not run here.
vw_serve() {
  set -m
  exec 4>&2 5>&1 </dev/null >/dev/null 2>&1
  while command exec 3<>"${vw_device[$1]}"; do
    [ -z "${2-}" ] || vw_skip "$@"
    set -- "$1"
    "${vw_shell[@]}" >&3 5>&- &
    printf '%srdy%07d' "$vw_token" $! >&3
    wait -f $!
    printf '%s%-10d' "$vw_token" $? >&3
    exec 3>&-
  done
  printf '%s lost %s\n' "$vw_token" "$1" >&5
}

# Reads a port as far as the line that the host sends when it hears of this.
vw_skip() {
  local line
  printf '%s open %s %s\n' "$vw_token" "$1" "$2" >&5
  while LC_ALL=C IFS= read -r line <&3; do
    [[ $line != *"$vw_token $2" ]] || return
  done
}

vw_start() {
  vw_serve "$1" "$2" &
  vw_pid[$1]=$!
}

# Serves a port no longer.
vw_stop() {
  # Held still, so that it does not serve on when its runner dies.
  kill -STOP "${vw_pid[$1]}"
  vw_kill "$1" KILL
  kill -KILL "${vw_pid[$1]}"
}

# Says whether a port is still served.
vw_alive() {
  kill -0 "${vw_pid[$1]}" 2>/dev/null && set -- "$1" yes
  printf '%s alive %s %s\n' "$vw_token" "$1" "${2-no}"
}

# Signals the process group of one command, and never of the next.
vw_signal() {
  kill -"$2" -- "-$1"
} 2>/dev/null

# Signals the process group of what runs on a port, or of a command that was
# sent over the console: the child of the process that serves it.
vw_kill() {
  local parent=${vw_pid[$1]-} stat rest
  [ -n "$parent" ] || return 0
  for stat in /proc/[0-9]*/stat; do
    read -r stat <"$stat" || continue
    rest=${stat##*) }
    rest=${rest#? }
    [ "${rest%% *}" = "$parent" ] && kill -"$2" -- "-${stat%% *}"
  done 2>/dev/null
}

# Ends a port's stream of stderr. It can't where a child still holds the port.
vw_end() {
  { printf '%send       ' "$vw_token" >"${vw_device[$1]}"; } 2>/dev/null ||
    printf '%s held %s\n' "$vw_token" "$1"
}

# Runs a command that follows on the console, for a guest that has no ports.
# The output comes when the command is done.
vw_run() {
  LC_ALL=C IFS= read -r -N "$3" REPLY
  printf -v REPLY %b "$REPLY"
  vw_job "$1" "$2" "$REPLY" &
  vw_pid[$1]=$!
}

vw_job() {
  set -m
  local out=/tmp/.vw$BASHPID.out err=/dev/null status line where=$2
  [ "$2" = separate ] && err=/tmp/.vw$BASHPID.err where=serial
  exec 4>&2 5>&1 2>/dev/null
  vw_frame "$where" "$3"
  if [ "$2" = separate ]; then exec 6>&4 4>"$err"; fi
  "${vw_shell[@]}" 3<<<"$line" >"$out" 5>&- &
  wait -f $!
  status=$?
  vw_send "$1" 1 <"$out"
  [ "$2" = separate ] && vw_send "$1" 2 <"$err"
  printf '%s done %s %s\n' "$vw_token" "$1" "$status" >&5
  rm -f "$out" "$out.64" "${err%/dev/null}"
}

# Sets `line` to what a runner reads; the length counts bytes.
vw_frame() {
  local LC_ALL=C
  printf -v line '%08d%-8s%-8s%s' "${#2}" "$1" empty "$2"
}

# Sends a stream of a command that was sent over the console. By way of a file,
# since bash reads a pipe byte by byte; and in lines as long as it writes them
# at once, so that nothing of others comes between.
vw_send() {
  local line
  base64 -w 900 >"$out.64"
  while read -r line; do
    printf '%s data %s %s %s\n' "$vw_token" "$1" "$2" "$line"
  done <"$out.64" >&5
}

printf '%s up %s\n' "$vw_token" "$BASH_VERSION"
vw_find
