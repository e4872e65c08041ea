# Functions that are seldom needed: they are evaluated when the first of them is.

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
  IFS= read -r -N "$3" REPLY
  printf -v REPLY %b "$REPLY"
  vw_job "$1" "$2" "$REPLY" &
  vw_pid[$1]=$!
}

# What the command writes goes to files, which a child that it leaves behind
# may hold as long as it likes.
# fd 4: stderr, or the serial port. fd 5: the console. fd 6 and 8: where stdout
# and stderr are read. fd 7: the stdin of who reads them, which ends with this.
# The runner has its command at fd 1, where it can't say that it waits, and at 8
# where stdout goes.
vw_job() {
  local file=/tmp/.vw$BASHPID line
  exec 4>&2 5>&1 </dev/null 2>/dev/null 9<&- >"$file.out" 6<"$file.out"
  [ "$2" = 1 ] || exec 4>"$file.err" 8<"$file.err"
  # Before there is job control: in a group of its own, it would be ended with
  # the command.
  exec 7> >(vw_follow "$1" "$file")
  set -m
  hash -r
  printf -v line 'console %8d%s' "${#3}" "$3"
  "${vw_shell[@]}" 8>&1 1<<<"$line" 5>&- 6<&- 7>&-
  echo $? >"$file.status"
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
