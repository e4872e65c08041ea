# Serves a port: one waiting runner after the other. This is evaluated in a
# process of its own, with the port's name and a mark. A port is closed after
# each command and opened again, and only then says how the command ended: the
# kernel lets a port be open once, so that nobody else has it, and all of the
# command's output is in the port's stream. Where opening fails, a child that the
# command left behind holds the port, and it is given up. What it holds at first
# was sent to a guest before this one, up to a line with the mark that the host
# sends when it hears of this, and is not run here. Runners remember the programs
# that this shell has run: none. All of ours that they need not have, each would
# copy and clear away.
# Where a runner was killed, the host may have sent it a command meanwhile: it is
# asked to say where what it sent ends, and told whether the runner has read that.
# As the jobs of any subshell, a runner that is stopped is waited for on; and one
# that ends by an interrupt does not end the loop.
set -m
hash -r
vw_path=${vw_device[$1]}
# What is not open need not be saved when the loop redirects it.
exec 4>&2 5>&1 </dev/null >&- 2>/dev/null 9<&-
{
  printf '%s open %s %s\n' "$vw_token" "$1" "$2" >&5
  while LC_ALL=C IFS= read -r REPLY <&1; do
    [[ $REPLY != *"$vw_token $2" ]] || break
  done
} 1<>"$vw_path" && {
  unset -f vw_find vw_start vw_seldom
  unset REPLY vw_device vw_pid vw_runner vw_serve vw_rest
  vw_code=
  while {
    printf %s "$vw_code"
    "${vw_shell[@]}" 2>&4- 5>&- &&
      printf -v vw_code '%s0         ' "$vw_token" || {
      printf -v vw_code '%s%-10d' "$vw_token" $?
      # No function does this, nor a variable that stays: each runner would have
      # to clear them away.
      [[ ${vw_code#"$vw_token"} != 1[2-5][0-9]* ]] || {
        printf '%s%-10s' "$vw_token" killed
        vw_unread=
        while LC_ALL=C IFS= read -r REPLY <&1; do
          vw_unread=${vw_unread:-$REPLY}
          [[ $REPLY != *"$vw_token "* ]] || break
        done
        [[ $vw_unread != "${REPLY##* } "* ]] ||
          printf '%s%-10s' "$vw_token" unread
        unset vw_unread REPLY
      }
    }
  } 1<>"$vw_path"; do :; done
}
printf '%s lost %s %s\n' "$vw_token" "$1" "${vw_code#"$vw_token"}" >&5
