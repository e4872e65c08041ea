# Watches the driver from another process. Its standard input ends when the
# driver ends, whatever the reason. Then the guard ends everything that the
# driver still owns. The argument is the run's token. Lines of input: "group N",
# "cleaning N" for a group that cleans up at SIGTERM, "ungroup N", "directory
# D", "undirectory D", with D escaped for printf %b; "end" means that the driver
# itself has ended everything. The guard ignores signals that a terminal sends
# to all processes: the driver handles them.
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
# There is no notification of the end of a group that is not a child.
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
# Processes that have left their group have the run's token in their
# environment. In the middle of execve(2) a process shows no environment, so
# this looks twice.
looks=2
while [ "$looks" -gt 0 ]; do
  # grep complains about processes that end meanwhile.
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
# Processes that have also cleared their environment may still be in their first
# directory. A person who looks around there has a terminal; this does not end
# such processes.
printf %s "$directories" | while IFS= read -r directory; do
  directory=$(cd -P -- "$(printf %b/ "$directory")" && pwd -P && echo /) || continue
  # The slash has kept a line break at the end, and pwd has added one.
  directory=${directory%"
/"}/
  # A process may be in the directory itself, after whose name ls has no slash.
  # With a line break in the path, ls prints several lines.
  named=${directory%/}
  ls -ld /proc/[0-9]*/cwd | grep -F -- " -> ${named%%"
"*}" |
    while IFS= read -r line; do
      pid=${line#*/proc/}
      pid=${pid%%/*}
      case $(readlink -n "/proc/$pid/cwd" && echo /) in
        "$directory"*) ;;
        *) continue ;;
      esac
      IFS= read -r stat < "/proc/$pid/stat" || continue
      # Of the words after the name in parentheses, the fifth is the terminal.
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
    # Copied trees may have directories that only root can write to.
    chmod -R u+rwx -- "$directory"
    rm -rf -- "$directory"
  } || {
    # A container may leave things that need more to be removed: control groups,
    # whose files go with them, and immutable files in its root.
    if [ -e "$directory/cgroup.procs" ]; then
      remove_groups "$directory"
    else
      chattr -R -i -- "$directory"
      rm -rf -- "$directory"
    fi
  }
done
