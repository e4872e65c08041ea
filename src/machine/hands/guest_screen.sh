# Writes a picture of the guest's display to stdout: of Wayland, X or the
# kernel's framebuffer, whichever a program can capture first. This finds the
# displays by their servers' sockets, because it belongs to none of their
# sessions. Statuses: 64 where nothing is shown, 65 where a program is missing,
# whose name comes instead, 66 where a program failed, with its complaint.
{
  set +eu
  shopt -s nullglob
  missing= failed= said= displays=

  show() {
    if ! command -v "$1" >/dev/null; then
      missing=${missing:-$1}
      return
    fi
    # The complaint is kept, and the picture passes it by.
    said=$("$@" 2>&1 >&3 3>&-) && exit 0
    failed=$1
  }

  # It writes to a file of this name, which has to be a pipe.
  fbgrab_out() { fbgrab /proc/self/fd/1 | cat; }

  while read -r _ _ _ _ _ _ _ path; do
    [ -S "$path" ] || continue
    case $path in
      */wayland-[0-9]*)
        XDG_RUNTIME_DIR=${path%/*} WAYLAND_DISPLAY=$path show grim -
        ;;
      /tmp/.X11-unix/X[0-9]*) displays="$displays :${path##*/X}" ;;
    esac
  done </proc/net/unix

  if [ -n "$displays" ]; then
    for file in /proc/[0-9]*/cmdline; do
      words=()
      mapfile -td '' words <"$file"
      case ${words[0]##*/} in
        X | Xorg | Xvfb | Xephyr | Xwayland | Xvnc | Xtigervnc) ;;
        *) continue ;;
      esac
      for at in "${!words[@]}"; do
        [ "${words[at]}" != -auth ] || export XAUTHORITY=${words[at + 1]}
      done
    done 2>/dev/null
    for DISPLAY in $displays; do
      export DISPLAY
      if command -v xwd >/dev/null && ! command -v import >/dev/null; then
        show xwd -root -silent
      else
        show import -window root png24:-
      fi
    done
  fi

  if [ -c /dev/fb0 ]; then
    if command -v fbcat >/dev/null; then
      show fbcat
    elif command -v fbgrab >/dev/null; then
      show fbgrab_out
    else
      missing=${missing:-fbcat}
    fi
  fi

  if [ -n "$failed" ]; then
    printf '\0%s: %s' "${failed%_out}" "$said"
    exit 66
  fi
  if [ -n "$missing" ]; then
    printf %s "$missing"
    exit 65
  fi
  exit 64
} 3>&1
