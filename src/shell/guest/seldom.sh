# Functions that are seldom needed: they are evaluated when the first of them is.

# A terminal that echoes would write what the host sends into the middle of what
# commands say. In the background of that terminal, the kernel would stop stty.
[ ! -t 1 ] || (trap '' TTOU; stty -echo <&1) 2>/dev/null

# Ends the server of a port.
vw_stop() {
  # The server is stopped first, so that it does not go on when its runner dies.
  kill -STOP "${vw_pid[$1]}"
  vw_kill "$1" KILL
  kill -KILL "${vw_pid[$1]}"
}

# Says whether the server of a port or of a job lives, or how it ended. With the
# word `ended`, the host knows that it has ended, and asks only how. With a mark,
# it asks about the start that has this mark.
vw_alive() {
  local status=served
  [ "${2-}" != ended ] && kill -0 "${vw_pid[$1]}" ||
    { wait "${vw_pid[$1]}"; status=$?; }
  printf '%s alive %s %s %s%s\n' "$vw_token" "$1" "$status" "${vw_pid[$1]}" \
    "${3:+ $3}"
} 2>/dev/null

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

# Ends a port's stream with a code. While a child that a command left behind holds
# the port, waits until it does not.
vw_drain() {
  vw_close "$1" "$2" && return
  {
    set +m
    trap 'exit 0' TERM
    # A pipe of its own to pause on: nothing ever arrives there.
    shopt -s lastpipe
    : | exec 3<>/proc/self/fd/0
    vw_tries=0
    until vw_close "$1" "$2"; do
      read -r -t 0.02 -u 3
      vw_still "$1"
    done
  } </dev/null &
  vw_pid[$1]=$!
}

# Says now and then that the wait for a child goes on. It counts tries and not
# time: while a guest is busy or stands still, its child gets no time either.
vw_still() {
  [ $((vw_tries = (vw_tries + 1) % 25)) != 0 ] ||
    printf '%s still %s\n' "$vw_token" "$1"
}

vw_close() {
  printf '%s%-10s' "$vw_token" "$2" >"${vw_device[$1]}"
} 2>/dev/null

# Gives a port up, and names the process that holds it.
vw_leave() {
  kill -TERM "${vw_pid[$1]}"
  vw_name "$1" "${vw_device[$1]}" &
} 2>/dev/null

# Gives a connection up: names the process that has it, and ends its server. See
# dialled.sh.
vw_hang() {
  {
    vw_name "$1" "/proc/$2/fd/3"
    kill -KILL "$2"
  } &
} 2>/dev/null

# Serves a port for commands whose stdout is a pipe. See the text that serves one
# without: only what runs the runner is another. What is not needed here, each
# command would have to clear away.
vw_pipe() {
  local plain='"${vw_shell[@]}" 2>&4- 5>&-' through='vw_through_pipe "$1"'
  {
    unset -f vw_stop vw_alive vw_signal vw_kill vw_drain vw_close vw_leave \
      vw_hang vw_pipe vw_unpipe vw_name vw_run vw_job vw_rest_of vw_follow \
      vw_grown vw_send vw_say vw_halves vw_leave_for vw_more
    eval "${vw_serve/"$plain"/"$through"}"
  } &
  vw_pid[$1]=$!
}

# Runs a runner whose command is to write to a pipe, from which another process
# copies to the port: a child that the command leaves behind holds the pipe, and
# not the port, and a pipe can be opened by its name, as in >/dev/stdout, which a
# port can't. A coprocess brings that pipe, and another that ends with it; see
# vw_job for why they are opened anew.
# fd 1: the port. fd 4: the serial port. fd 5: the console. fd 6: the pipe, once
# the command has ended, to see whether it is empty. fd 7: ends when all is
# copied. fd 8: where stdout goes.
vw_through_pipe() {
  local in out relay status
  { coproc vw_relay; } 3>&1
  relay=$COPROC_PID in=${COPROC[0]} out=${COPROC[1]}
  exec 7<&"$in" {in}<&- 8>"/proc/self/fd/$out" {out}>&-
  "${vw_shell[@]}" 2>&4- 5>&- 7<&-
  status=$?
  exec 6</proc/self/fd/8 8>&-
  if read -r -t 0.1 -u 7 || [ $? -gt 128 ]; then
    # In the port's own stream: on the console, it could come after the status.
    printf '%srst%07d' "$vw_token" "$relay"
    vw_tries=0
    while read -r -t 0.02 -u 7 || [ $? -gt 128 ]; do
      # As long as there is something to copy, nobody is silent, however long
      # the guest takes for it.
      if read -t 0 -u 6; then vw_tries=0; else vw_still "$1" >&5; fi
    done
  fi
  exec 6<&- 7<&-
  wait "$relay"
  return "$status"
}

# Copies the pipe, stdin, to the port, fd 3. What was stdout stays open until the
# end.
vw_relay() {
  exec 6>&1 >&3 3>&- 4>&- 5>&-
  vw_copy
}

# Copies stdin to stdout: the first bytes one by one, since most commands write
# few, and cat would take longer to start. Where there is no cat, all are. What is
# there at once is written at once, and nothing is kept back.
vw_copy() {
  local byte bytes= left=400 LC_ALL=C
  while IFS= read -r -d '' -n 1 byte; do
    if [ -n "$byte" ]; then bytes+=$byte; else
      printf '%s\0' "$bytes"
      bytes=
    fi
    ((left-- > 0)) && read -t 0 && continue
    printf %s "$bytes"
    bytes=
    ((left > 0)) && continue
    type -P cat >/dev/null && exec cat
    left=400
  done
  printf %s "$bytes"
}

# Ends the copying of a command's pipe to its port, and names the process that
# holds the pipe. That process may go on writing, and the end of a pipe's last
# reader would end its writers.
vw_unpipe() {
  {
    exec 3<"/proc/$2/fd/0" || exit
    vw_name "$1" "/proc/$2/fd/0"
    kill -KILL "$2"
    exec <&3 3<&- >/dev/null
    vw_copy
  } </dev/null &
} 2>/dev/null

# Names a process whose stdout or stderr is a port, a pipe, or a job's file.
vw_name() {
  local fd pid name
  for fd in /proc/[0-9]*/fd/[12]; do
    [ "$fd" -ef "$2" ] || continue
    pid=${fd#/proc/}
    pid=${pid%%/*}
    read -r name <"/proc/$pid/comm" || continue
    printf '%s holder %s %s %s\n' "$vw_token" "$1" "$pid" "$name"
    return
  done
  false
} 2>/dev/null

# Runs a program that follows on the console, for a guest that has no ports; its
# output is one stream, or two. The host sends the next one when it hears that
# this one was read.
vw_run() {
  IFS= read -r -N "$3" REPLY
  printf '%s taken %s\n' "$vw_token" "$1"
  printf -v REPLY %b "$REPLY"
  vw_job "$1" "$2" "$REPLY" &
  vw_pid[$1]=$!
}

# What the command writes goes to files, which a child that it leaves behind
# may hold as long as it likes. The pipe to who reads them comes with a
# coprocess: /dev/fd, which others take, may be missing. It is opened anew, since
# a copy of it would be closed by exec.
# fd 3: a pipe that ends with who reads the files. fd 4: stderr, or the serial
# port. fd 5: the console. fd 6 and 8: where stdout and stderr are read. fd 7: the
# stdin of who reads them, which ends with this. fd 9: stdout.
# The runner has its command at fd 1, where it can't say that it waits, and at 8
# where stdout goes.
vw_job() {
  local place file line in out follower status
  # Some may be read-only or full.
  for place in /run /dev/shm /tmp /var/tmp /; do
    file=$place/.vw$BASHPID
    echo 2>/dev/null >"$file.out" && break
  done
  exec 4>&2 5>&1 </dev/null 2>/dev/null 9>"$file.out" 6<"$file.out"
  if [ "$2" = 1 ]; then exec 8<&-; else exec 4>"$file.err" 8<"$file.err"; fi
  # Before there is job control: in a group of its own, it would be ended with
  # the command.
  coproc vw_follow "$1" "$file"
  follower=$COPROC_PID in=${COPROC[0]} out=${COPROC[1]}
  exec 3<&"$in" {in}<&- 7>"/proc/self/fd/$out" {out}>&-
  set -m
  hash -r
  printf -v line 'console %8d%s' "${#3}" "$3"
  "${vw_shell[@]}" 8>&9 9>&- 1<<<"$line" 3<&- 5>&- 6<&- 7>&-
  status=$?
  printf '%s ended %s\n' "$vw_token" "$1" >&5
  vw_rest_of "$1" "$file.out" 9
  [ "$2" = 1 ] || vw_rest_of "$1" "$file.err" 4
  echo "$status" >"$file.status"
  # Whoever asks how this ended is told when all was sent, or can't be.
  exec 7>&-
  wait "$follower" || {
    status=$?
    rm -f "$file.out" "$file.err" "$file.status"
    return "$status"
  }
}

# Waits while a child that the command left behind holds a file and writes to it:
# until it has written nothing for half a second, or for five seconds. Pauses are
# counted, and not time: where a guest is busy or stands still, so is the child.
vw_rest_of() {
  local pauses=0 before after
  read -r _ before <"/proc/self/fdinfo/$3"
  while [ $((pauses % 5)) != 0 ] || vw_name "$1" "$2" >/dev/null; do
    read -r -t 0.02 -u 3
    [ $(((pauses += 1) % 25)) = 0 ] || continue
    read -r _ after <"/proc/self/fdinfo/$3"
    if [ "$before" = "$after" ] || [ $pauses -ge 250 ]; then
      vw_name "$1" "$2" >&5
      return
    fi
    before=$after
  done
}

# Sends what a job writes, until stdin ends, and then its status and how many
# bytes that was. The status is in a file: a read with a time limit may lose what
# comes when the time is over. The command may mount something over the files'
# directory: so what they hold is looked up where they are open.
vw_follow() {
  local status=killed out= err= vw_left=1
  exec 3<&-
  while read -r -t 0.05 || [ $? -gt 128 ]; do
    vw_grown 9 6 && vw_send "$1" 1 <&6
    [ -s /proc/self/fd/8 ] && vw_grown 4 8 && vw_send "$1" 2 <&8
  done
  [ -s /proc/self/fd/6 ] && vw_send "$1" 1 <&6
  [ -s /proc/self/fd/8 ] && vw_send "$1" 2 <&8
  [ -s "$2.status" ] && read -r status <"$2.status"
  read -r _ out </proc/self/fdinfo/6
  [ ! -e /proc/self/fd/8 ] || read -r _ err </proc/self/fdinfo/8
  printf '%s done %s %s %s %s\n' "$vw_token" "$1" "$status" "$out" "$err" >&5
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

# Sends stdin in whole lines of base64, twelve at once: a read of so many
# characters takes them in one piece, where one of a line takes each alone.
# Without base64, in bash's own way to quote, a NUL apart.
# A bash may have room for only 1,008 bytes before it writes. A longer message
# would take several writes, with what others write between them.
vw_send() {
  vw_say "$@"
  local status=$?
  # The first message of a job needs no leave.
  vw_left=0
  [ $status = 0 ] || exit
}

vw_say() {
  local lines quoted LC_ALL=C ends=0
  if type -P base64 >/dev/null; then
    base64 | while read -r -N 924 lines || [ -n "$lines" ]; do
      ((vw_left-- > 0)) || vw_leave_for "$1"
      printf '%s data %s %s %s\n' "$vw_token" "$1" "$2" "${lines//$'\n'/}" >&5
    done
    return
  fi
  while IFS= read -r -d '' -n 800 lines && ends=1 || [ -n "$lines" ]; do
    [ ${#lines} = 800 ] && ends=0
    printf -v quoted %q "$lines"
    if [ ${#quoted} -le 940 ]; then
      ((vw_left-- > 0)) || vw_leave_for "$1"
      printf '%s text %s %s %d %s\n' "$vw_token" "$1" "$2" "$ends" "$quoted" >&5
    else vw_halves "$1" "$2" "$ends" "$lines"; fi
    ends=0
  done
}

# Sends a text whose quotation is too long, part by part.
vw_halves() {
  local quoted half=$((${#4} / 2))
  printf -v quoted %q "$4"
  if [ ${#quoted} -gt 940 ]; then
    vw_halves "$1" "$2" 0 "${4:0:half}"
    vw_halves "$1" "$2" "$3" "${4:half}"
    return
  fi
  ((vw_left-- > 0)) || vw_leave_for "$1"
  printf '%s text %s %s %d %s\n' "$vw_token" "$1" "$2" "$3" "$quoted" >&5
}

# Where no leave is left, waits until the host has read the messages of a job
# before this one: QEMU drops what the console's socket has no room for. The host
# answers by vw_more. Whoever waits asks again now and then, and ends with the
# backdoor shell. Callers look for leave themselves, since a call takes long.
# fd 3: a pipe of its own, where the answer comes.
vw_leave_for() {
  [ -p /proc/self/fd/3 ] || {
    shopt -s lastpipe
    : | exec 3<>/proc/self/fd/0
  }
  until
    # An answer to a question that was asked again.
    while read -t 0 -u 3; do read -r -u 3 vw_left; done
    printf '%s more %s %s\n' "$vw_token" "$1" "$BASHPID" >&5
    read -r -t 5 -u 3 vw_left
  do
    kill -0 $$ || exit
  done
  ((vw_left--))
}

# Gives a process that waits for the host the leave to send some messages.
vw_more() {
  [ ! -p "/proc/$1/fd/3" ] || echo "$2" 1<>"/proc/$1/fd/3"
} 2>/dev/null
