# Serves a connection: one waiting runner after the other, as serve.sh serves a
# port. It is evaluated by a shell of its own, whose stdin and stdout are the
# connection. Set before are `vw_token`, `vw_runner`, the text of runner.sh,
# `vw_outlet`, `port` or `pipe`, and what install.sh sets.
#
# A connection can't be closed and opened again, as a port can. So after each
# command the server looks whether a process has the connection that is younger
# than the command's runner. /proc/loadavg has the number of the youngest: where
# that is the runner, nothing was started, and there is nobody to look for.
# Where one has it, the server says so with the command's status, waits, and
# says the status once more when nobody has it.
# fd 3: the connection. fd 4: the console.

# What commands write to stderr is for the console.
if : 2>/dev/null >/dev/console; then exec 2>/dev/console; fi
exec 3>&1 4>&2 </dev/null >/dev/null 2>/dev/null

# Whether a process from $1 up, other than those that serve, has the connection.
vw_has() {
  local process=$1 fd last
  while read -r _ _ _ _ last </proc/loadavg && [ "$process" -le "$last" ]; do
    for ((; process <= last; process++)); do
      [ "$process" != "$BASHPID" ] || continue
      for fd in /proc/"$process"/fd/*; do
        [ "$fd" -ef /proc/self/fd/3 ] && return
      done
    done
  done
  return 1
}

# The same of all processes, where process numbers have wrapped around or are
# too many.
vw_anybody() {
  local process fd
  for process in /proc/[0-9]*; do
    case ${process#/proc/} in 1 | $$ | $PPID | $BASHPID) continue ;; esac
    for fd in "$process"/fd/*; do
      [ "$fd" -ef /proc/self/fd/3 ] && return
    done
  done
  return 1
}

# Whether a child of the command has the connection.
vw_held() {
  local last
  read -r _ _ _ _ last </proc/loadavg
  if [ "$last" -lt "$vw_first" ] || [ $((last - vw_first)) -gt 2000 ]; then
    vw_anybody
  else
    vw_has $((vw_first + 1))
  fi
}

# Waits until none has it, and says now and then that one still does. Tries are
# counted, as in vw_still.
vw_drain() {
  printf '%sheld%-6d' "$vw_token" "$vw_status" >&3
  # A pipe of its own to pause on: nothing ever arrives there.
  set +m
  shopt -s lastpipe
  : | exec 6<>/proc/self/fd/0
  shopt -u lastpipe
  set -m
  local tries=0
  while vw_held; do
    read -r -t 0.02 -u 6
    [ $((tries = (tries + 1) % 25)) != 0 ] ||
      printf '%sstill     ' "$vw_token" >&3
  done
  exec 6<&-
}

# Runs a runner whose command is to write to a pipe, as vw_through_pipe does for
# a port; what that says on the console is said on the connection.
vw_through() {
  local in out relay status tries=0
  coproc vw_relay
  relay=$COPROC_PID in=${COPROC[0]} out=${COPROC[1]}
  exec 7<&"$in" {in}<&- 8>"/proc/self/fd/$out" {out}>&-
  "${vw_shell[@]}" >&3- 2>&4- 7<&-
  status=$?
  exec 6</proc/self/fd/8 8>&-
  if read -r -t 0.1 -u 7 || [ $? -gt 128 ]; then
    printf '%srst%07d' "$vw_token" "$relay" >&3
    while read -r -t 0.02 -u 7 || [ $? -gt 128 ]; do
      if read -t 0 -u 6; then tries=0
      elif [ $((tries = (tries + 1) % 25)) = 0 ]; then
        printf '%sstill     ' "$vw_token" >&3
      fi
    done
  fi
  exec 6<&- 7<&-
  wait "$relay"
  return "$status"
}

# Says that a runner was killed, and whether it had read what it was sent. The
# host answers with the end of that.
vw_killed() {
  local unread= line
  printf '%skilled    ' "$vw_token" >&3
  while LC_ALL=C IFS= read -r line <&3; do
    unread=${unread:-$line}
    [[ $line != *"$vw_token "* ]] || break
  done
  [[ $unread != "${line##* } "* ]] || printf '%sunread    ' "$vw_token" >&3
}

(
  set -m
  hash -r
  exec 9<&-
  [ "$vw_outlet" = port ] && unset vw_rest || {
    eval "$vw_rest"
    unset vw_rest
    unset -f vw_stop vw_alive vw_signal vw_kill vw_close vw_leave vw_hang \
      vw_pipe vw_unpipe vw_name vw_run vw_job vw_rest_of vw_follow vw_grown \
      vw_send vw_say vw_halves vw_leave_for vw_more vw_through_pipe vw_still
  }
  unset vw_runner
  printf '%ssrv%07d' "$vw_token" "$BASHPID" >&3
  while read -r _ _ _ _ vw_first </proc/loadavg; do
    if [ "$vw_outlet" = port ]; then "${vw_shell[@]}" >&3- 2>&4-
    else vw_through; fi
    vw_status=$?
    case $vw_status in 1[2-5][0-9]) vw_killed ;; esac
    [ "$vw_outlet" = pipe ] || ! vw_held || vw_drain
    printf '%s%-10d' "$vw_token" "$vw_status" >&3 || break
  done
)
# The end of this shell must not end a connection that a child has.
while vw_anybody && { read -r -t 1 -u 3 || [ $? -gt 128 ]; }; do :; done
exit
