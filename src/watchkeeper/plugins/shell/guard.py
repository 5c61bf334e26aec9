"""The guard that stands beside a job and keeps its time limit and the disk when nobody of us lives: shell text for any Unix."""

from __future__ import annotations

import shlex

from watchkeeper.plugins.shell.wrapper import END_MARKED, MARK

COMMON = f"""
umask 077
line() {{ L=; [ -f "$1" ] || return 1; read -r L < "$1" || :; case $L in *' .'*) L=${{L%% .*}};; *) L=; return 1;; esac; }}
start_of() {{
  S=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  set -- ${{S##*) }}; case $1 in Z|X) return 1;; esac; S=${{20}}
}}
alive() {{ start_of "$1" && [ "$S" = "$2" ]; }}
marked() {{ grep -lszF "{MARK}=$d/" /proc/[0-9]*/environ 2>/dev/null; }}
others() {{
  for m in $(marked); do
    p=${{m#/proc/}}; p=${{p%/environ}}
    case " $* " in *" $p "*) ;; *) start_of "$p" && return 0;; esac
  done
  return 1
}}
send() {{
  for m in $(marked); do
    p=${{m#/proc/}}; p=${{p%/environ}}
    case " $* " in *" $p "*) ;; *) kill "-$1" "$p" 2>/dev/null;; esac
  done
  [ -z "$u" ] || sudo -n -u "$u" -- /bin/sh -c {shlex.quote(END_MARKED)} watchkeeper-end "$1" "$d/" </dev/null >/dev/null 2>&1
}}
nap() {{ sleep "$1" 2>/dev/null || sleep 1; }}
finish() {{ # 1 why, 2 the wrapper, 3 who else is to be spared
  printf '%s .\\n' "$1" > "$d/stopped"
  kill -TERM -- "-$2" 2>/dev/null; send TERM "$2" "$3"
  i=0; while [ $i -lt 15 ] && {{ others "$2" "$3" || ! line "$d/exit"; }}; do nap 0.2; i=$((i+1)); done
  send KILL "$2" "$3"
  i=0; while [ $i -lt 5 ] && ! line "$d/exit"; do nap 0.2; i=$((i+1)); done
  line "$d/exit" || kill -KILL -- "-$2" 2>/dev/null
}}
"""

# 1 the wrapper, 2 its start, 3 user or ""; the limits stand in `limits`: seconds, bytes to keep, bytes at which it is a flood
GUARD = (
    COMMON
    + """
d=${0%/guard} u=$3
trap '' TERM INT HUP
read -r limit keep flood < "$d/limits"
up() { if read -r U x < /proc/uptime; then U=${U%.*}; else U=$((${U:-0}+1)); fi; }
up; began=$U head=$(( (keep / 2 / 4096 + 1) * 4096 )) freed= before=0 sparse=1
size() { set -- $(ls -ln "$d/output"); Z=$5; }
[ -n "$freed" ] || freed=$head
while alive "$1" "$2" || others $$; do
  nap 0.2
  up; size
  [ $((U - began)) -lt "$limit" ] || { finish timeout "$1" $$; break; }
  [ "$Z" -lt "$flood" ] || { finish flood "$1" $$; break; }
  upto=$(( (Z - head) / 4096 * 4096 ))
  if [ $((upto - freed)) -gt 1000000 ]; then
    if [ $sparse = 1 ] && fallocate -p -o $freed -l $((upto - freed)) "$d/output" 2>/dev/null; then freed=$upto
    else sparse=0; [ "$Z" -lt 64000000 ] || { finish flood "$1" $$; break; }; fi
  elif [ $((U - began)) -gt 5 ] && [ "$Z" = "$before" ]; then nap 0.8; fi
  before=$Z
done
"""
)


def limits(timeout_s: int, keep: int, flood: int) -> str:
    """Give the line of a job's file `limits`: seconds, bytes to keep, bytes at which it is a flood."""
    return f"{timeout_s} {keep} {flood}\n"
