# Evaluated once by the backdoor shell, which keeps these functions. `vw_token`
# is set before: every answer bears it, so that whatever else is written to the
# console is noise. Nothing here parses what a test author wrote: the runner
# reads that as data and evaluates it in a process of its own.

# What the process of a command runs first. It has no interpreter line on
# purpose: when execve refuses it (ENOEXEC), the forked bash starts over in
# place as a fresh shell, with its own $$ and none of our variables, for a
# twentieth of what a new program costs. It is started before there is a
# command and waits for one.
# fd 1: where the output goes. fd 3: eight digits of length, whom it is for, and
# a program that leads the streams to where they belong and has the command in a
# variable. fd 4: the serial port. fd 9: this text. What was for a runner that
# died is passed over.
# It is one line, since that is what messages say of an author's first one.
vw_runner='
  while read -r -N 16 -u 3 || exit 0; [[ ${REPLY:8} != @("$$ "|console)* ]]; do
  LC_ALL=C read -r -N "${REPLY:0:8}" -u 3;
  done;
  LC_ALL=C read -r -N "${REPLY:0:8}" -u 3 || exit 0;
  eval "$REPLY";
  unset REPLY;
  eval "$BASH_EXECUTION_STRING"'
vw_runner=${vw_runner//$'\n'/}

# Where such a file can be executed, it is opened and forgotten; where no
# writable place allows that, and with a bash before 5.0, which lets nobody
# change $0, every command costs a new bash. That counts SHLVL by itself.
# Messages of bash's own begin with the path by which it is executed,
# /proc/self/fd/9, and not with $0: they take that from BASH_SOURCE, which bash
# lets nobody change.
vw_shell=("$BASH" -c "SHLVL=$SHLVL; $vw_runner" bash)
vw_install() {
  local place file
  [ -n "${BASH_ARGV0-}" ] || return
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

# A shell that is told all this once more has its ports again: those who serve
# them for what was lost would hold them.
vw_forget() {
  local port
  for port in "${!vw_device[@]}"; do
    # A process that has ended may have left its number to another.
    [[ $'\n'$(jobs -p)$'\n' == *$'\n'${vw_pid[$port]-none}$'\n'* ]] &&
      vw_stop "$port"
  done
  vw_device=() vw_pid=()
}

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
# was sent to a guest before this one, and is not run here. Runners remember the
# programs that this shell has run: none.
# As the jobs of any subshell, a runner that is stopped is waited for on.
vw_serve() {
  set -m
  hash -r
  exec 4>&2 5>&1 </dev/null 2>/dev/null
  while command exec 3<>"${vw_device[$1]}" 1>&3; do
    [ -z "${2-}" ] || vw_skip "$@"
    set -- "$1"
    "${vw_shell[@]}" 5>&- &
    printf '%srdy%07d' "$vw_token" $!
    wait $!
    printf '%s%-10d' "$vw_token" $?
    exec 3>&- 1>&-
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

# Runs a program that follows on the console, for a guest that has no ports; its
# output is one stream, or two.
vw_run() {
  LC_ALL=C IFS= read -r -N "$3" REPLY
  printf -v REPLY %b "$REPLY"
  vw_job "$1" "$2" "$REPLY" &
  vw_pid[$1]=$!
}

# What the command writes goes to files, which a child that it leaves behind
# may hold as long as it likes.
# fd 4: stderr, or the serial port. fd 5: the console. fd 6 and 8: where stdout
# and stderr are read. fd 7: the stdin of who reads them, which ends with this.
vw_job() {
  local file=/tmp/.vw$BASHPID line
  exec 4>&2 5>&1 2>/dev/null >"$file.out" 6<"$file.out"
  [ "$2" = 1 ] || exec 4>"$file.err" 8<"$file.err"
  # Before there is job control: in a group of its own, it would be ended with
  # the command.
  exec 7> >(vw_follow "$1" "$file")
  set -m
  hash -r
  vw_frame "$3"
  "${vw_shell[@]}" 3<<<"$line" 5>&- 6<&- 7>&- 8<&- &
  wait $!
  echo $? >"$file.status"
}

# Sets `line` to what a runner reads; the length counts bytes.
vw_frame() {
  local LC_ALL=C
  printf -v line '%8dconsole %s' "${#1}" "$1"
}

# Sends what a job writes, until stdin ends, and then its status. That is in a
# file: a read with a time limit may lose what comes when the time is over.
vw_follow() {
  local status=killed
  while read -r -t 0.05 || [ $? -gt 128 ]; do
    vw_grown 1 6 && vw_send "$1" 1 <&6
    [ -s "$2.err" ] && vw_grown 4 8 && vw_send "$1" 2 <&8
  done
  [ -s "$2.out" ] && vw_send "$1" 1 <&6
  [ -s "$2.err" ] && vw_send "$1" 2 <&8
  [ -s "$2.status" ] && read -r status <"$2.status"
  printf '%s done %s %s\n' "$vw_token" "$1" "$status" >&5
  rm -f "$2.out" "$2.err" "$2.status"
}

# Whether more was written to a file at one descriptor than read at the other.
# It costs no process to know that.
vw_grown() {
  local written sent
  read -r _ written <"/proc/self/fdinfo/$1"
  read -r _ sent <"/proc/self/fdinfo/$2"
  [ "$written" != "$sent" ]
}

# Sends stdin in whole lines of base64, ten at once: a read of so many
# characters takes them in one piece, where one of a line takes each alone.
vw_send() {
  local lines
  base64 | while read -r -N 770 lines || [ -n "$lines" ]; do
    printf '%s data %s %s %s\n' "$vw_token" "$1" "$2" "${lines//$'\n'/}" >&5
  done
}

vw_forget
printf '%s up %s\n' "$vw_token" "$BASH_VERSION"
vw_find
