# Watches the driver from outside: its standard input ends when the driver
# does, however that happened. What the driver then still owns is ended here.
# Its argument is the run's token. Lines: "group N", "cleaning N" for a group
# that cleans up at SIGTERM, "ungroup N", "directory D", "undirectory D", where
# D is escaped for printf %b; "end" says that the driver itself has ended
# everything.
# Signals that a terminal sends to everybody are the driver's business.
trap '' INT TERM HUP QUIT
groups=
cleaning=
directories=
token=$1
while IFS= read -r line; do
  verb=${line%% *}
  word=${line#* }
  case $verb in
    end) exit ;;
    group) groups="$groups $word " ;;
    cleaning) cleaning="$cleaning $word " ;;
    ungroup)
      case $cleaning in
        *" $word "*)
          cleaning="${cleaning%% "$word" *} ${cleaning#* "$word" }"
          ;;
      esac
      case $groups in
        *" $word "*) groups="${groups%% "$word" *} ${groups#* "$word" }" ;;
      esac
      ;;
    directory) directories="$directories$word
" ;;
    undirectory)
      case $directories in
        *"$word
"*) directories="${directories%%"$word
"*}${directories#*"$word
"}" ;;
      esac
      ;;
  esac
done
for group in $cleaning; do
  kill -s TERM -- "-$group"
done
# Nobody tells of the end of a group that is not one's own.
patience=100
for group in $cleaning; do
  while [ "$patience" -gt 0 ] && kill -s 0 -- "-$group"; do
    sleep 0.1
    patience=$((patience - 1))
  done
done
for group in $groups; do
  kill -s KILL -- "-$group"
done
# Those that left their group bear the run's token in their environment. In the
# middle of execve(2) a process shows none: so it is looked for twice.
looks=2
while [ "$looks" -gt 0 ]; do
  # grep complains of processes that go meanwhile, whatever else it finds.
  pids=$(grep -lasF "VMWRIGHT_RUN=$token" /proc/[0-9]*/environ || :)
  for pid in $pids; do
    pid=${pid#/proc/}
    kill -s KILL "${pid%/environ}"
  done
  if [ -z "$pids" ]; then
    looks=$((looks - 1))
    [ "$looks" -eq 0 ] || sleep 0.1
  fi
done
# Those that cleared their environment too may still be where they were started.
# A person who looks around there has a terminal, and is left alone.
printf %s "$directories" | while IFS= read -r directory; do
  directory=$(cd -P -- "$(printf %b/ "$directory")" && pwd -P && echo /) || continue
  # The slash kept a line break at the end, and pwd has added one.
  directory=${directory%"
/"}/
  # A line break in it ends what ls says in one line.
  ls -ld /proc/[0-9]*/cwd | grep -F -- " -> ${directory%%"
"*}" |
    while IFS= read -r line; do
      pid=${line#*/proc/}
      pid=${pid%%/*}
      case $(readlink "/proc/$pid/cwd")/ in
        "$directory"*) ;;
        *) continue ;;
      esac
      IFS= read -r stat < "/proc/$pid/stat" || continue
      # The words after the name in parentheses: the fifth is the terminal.
      terminal=${stat##*) }
      terminal=${terminal#* * * * }
      [ "${terminal%% *}" != 0 ] || kill -s KILL "$pid"
    done
done
remove_groups() {
  for inner in "$1"/*/; do
    [ ! -d "$inner" ] || remove_groups "${inner%/}"
  done
  rmdir -- "$1"
}
printf %s "$directories" | while IFS= read -r directory; do
  # The slash keeps a line break at the end.
  directory=$(printf %b/ "$directory")
  rm -rf -- "$directory" || {
    # What was copied may have directories that only root can write to.
    chmod -R u+rwx -- "$directory"
    rm -rf -- "$directory"
  } || {
    # A container may leave what can't be removed as it is: groups of processes,
    # whose files go with them, and in its root what must not change.
    if [ -e "$directory/cgroup.procs" ]; then
      remove_groups "$directory"
    else
      chattr -R -i -- "$directory"
      rm -rf -- "$directory"
    fi
  }
done
