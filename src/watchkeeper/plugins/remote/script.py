"""The shell text that a place elsewhere is given: it needs /bin/sh, /proc and the small programs of any Unix (busybox will do).

It comes in on the shell's input, so nothing of a job stands in a list of processes. A job there is what it is here: a folder with
its script, its output, `pid.N` and `exit`, and a wrapper in a session of its own. Beside the wrapper stands a guard, which keeps
the time limit and the disk also when nobody of us lives or the line is cut.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from watchkeeper.plugins.shell.commands import BASH
from watchkeeper.plugins.shell.guard import COMMON
from watchkeeper.plugins.shell.wrapper import BLANK, MARK

# 1 folder, 2 number of the claim, 3 directory, 4 boot, 5 user or "", then the command
WRAPPER = (
    COMMON
    + """
d=$1 n=$2 w=$3 b=$4 u=$5; shift 5
start_of $$ || S=0
set -C; printf '%s %s %s .\\n' $$ "$S" "$b" > "$d/pid.$n" || exit 125; set +C
trap : TERM INT HUP
/bin/sh "$d/guard" $$ "$S" "$u" </dev/null >/dev/null 2>&1 &
g=$!
if [ -n "$u" ]; then
  ( cd "$w" || exit 126; exec < "$d/variables"; rm -f "$d/variables"; exec "$@" ) >> "$d/output" 2>&1; r=$?
else
  ( cd "$w" || exit 126; eval "$(cat "$d/variables"; rm -f "$d/variables")"; exec "$@" ) \\
    </dev/null >> "$d/output" 2>&1; r=$?
fi
[ -f "$d/stopped" ] || kill -KILL "$g" 2>/dev/null
printf '%s .\\n' "$r" 1<> "$d/exit"
sync "$d/exit" "$d" 2>/dev/null || sync
"""
)

_HELLO = """
exec 2>/dev/null
r=ROOT; r=${r:-${XDG_STATE_HOME:-${HOME:-/tmp}/.local/state}/watchkeeper/jobs}
mkdir -p "$r" && [ -w "$r" ] || { printf 'X %s\\n' "$r"; exit 1; }
[ -f "$r/place" ] || {
  head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \\n' > "$r/place.$$"
  ln "$r/place.$$" "$r/place"; rm -f "$r/place.$$"
}
b=$(cat /proc/sys/kernel/random/boot_id); start_of 1 || S=0; b=$b-$S
read -r p < "$r/place" || :
printf 'H %s %s %s\\n' "$b" "$p" "$r"
"""

_LOOK = """
say() { read -r why < "$d/stopped"; printf '%s %s\\n' "$1" "${why%% *}"; }
look() { # gives one line: ended STATUS WHY, running PID, void, open, lost WHY
  if line "$d/exit"; then say "ended $L"; return; fi
  n=0; while line "$d/pid.$n" && [ "$L" = void ]; do n=$((n+1)); done
  [ -f "$d/pid.$n" ] || { [ $n = 0 ] && echo open || echo void; return; }
  [ -n "$L" ] || { echo torn; return; }
  set -- $L
  if [ "$3" = "$b" ] && alive "$1" "$2"; then echo "running $1"; return; fi
  if line "$d/exit"; then say "ended $L"; return; fi
  if [ "$3" = "$b" ] && others; then echo "running 0"; return; fi
  if [ -f "$d/stopped" ]; then say "ended 137"; return; fi
  [ "$3" = "$b" ] && echo 'lost wrapper' || echo 'lost restart'
}
claim() { mkdir -p "$d"; n=0; while line "$d/pid.$n" && [ "$L" = void ]; do n=$((n+1)); done; }
void() { claim; (set -C; printf 'void .\\n' > "$d/pid.$n") 2>/dev/null; look; }
stop() { # 1 why
  claim; [ -n "$L" ] || return; set -- "$1" $L
  if alive "$2" "$3" || others; then (finish "$1" "$2" </dev/null >/dev/null 2>&1); fi
}
piece() { # sends what lies from byte A, at most 1 MB
  k=$((Z - A)); [ $k -le 1048576 ] || k=1048576
  printf 'O %s %s\\n' "$A" "$k"
  dd if="$d/output" bs=4096 skip=$((A / 4096)) count=257 2>/dev/null </dev/null | tail -c +$((A % 4096 + 1)) | head -c "$k"
  A=$((A + k))
}
follow() { # 1 byte from which the output is wanted, 2 bytes to keep
  A=$1 keep=$2 passed= i=0
  while :; do
    e=$(look); [ -f "$d/output" ] && { set -- $(ls -ln "$d/output"); Z=$5; } || Z=0
    case $e in running*|torn*) over=;; *) over=1;; esac
    if [ $((Z - A)) -gt 4194304 ] && [ "$A" -gt "$keep" ]; then A=$((Z - 1048576)) passed=1; fi
    if [ -n "$over$passed" ] && [ -n "$over" ] && [ -n "$passed" ]; then
      [ $((Z - keep)) -ge "$A" ] || A=$((Z - keep)); passed=
    fi
    while [ "$Z" -gt "$A" ]; do
      piece
      [ $((Z - A)) -le 4194304 ] || [ "$A" -le "$keep" ] || break
    done
    if [ -n "$over" ] && [ "$Z" -le "$A" ]; then
      if [ -f "$d/stopped" ] && [ $i -lt 1000 ] && others; then i=$((i+50)); nap 0.2; continue; fi
      printf 'E %s\\n' "$e"; return
    fi
    i=$((i+1)); if [ $i -lt 20 ]; then nap 0.02; elif [ $i -lt 50 ]; then nap 0.1; else nap 0.3; fi
    printf 'T\\n' || exit 1
  done
}
forget() { rm -rf "$d"; find "$r" -mindepth 1 -maxdepth 1 -type d -mtime +30 -exec rm -rf {} + ; }
"""


def hello(root: str) -> str:
    """Give what a fresh shell is told first: it answers "H BOOT PLACE ROOT", or "X ROOT" where it has no folder to write to."""
    return COMMON + _HELLO.replace("ROOT", shlex.quote(root), 1) + _LOOK


def about(name: str, user: str | None) -> str:
    """Say which job is spoken of."""
    return f'd="$r"/{shlex.quote(name)} u={shlex.quote(user or "")}\n'


def begin(
    command: Sequence[str], directory: str, files: Mapping[str, str], programs: Mapping[str, str], path: Sequence[str]
) -> str:
    """Give what begins a job: it answers "B" once the wrapper is on its way, "X WHY" where the folder cannot be written."""
    put = "".join(f"&& printf '%s' {shlex.quote(text)} > \"$d\"/{shlex.quote(name)} " for name, text in files.items())
    put += '&& mkdir -p "$d/words" ' if programs else ""
    for name, text in programs.items():
        put += f"&& printf '%s' {shlex.quote(text)} > \"$d/words\"/{shlex.quote(name)} "
        put += f'&& chmod 700 "$d/words"/{shlex.quote(name)} '
    first = ('"$d/words":' if programs else "") + "".join(f"{shlex.quote(each)}:" for each in path)
    given = " ".join(_PLACES.get(word, shlex.quote(word)) for word in command)
    return f"""
claim
x=$( {{ : {put}&& printf '%s' {shlex.quote(BLANK)} > "$d/exit" && : > "$d/output"; }} 2>&1 ) ||
  {{ printf 'X %s\\n' "$x"; exit 1; }}
[ -z "$u" ] || printf 'export {MARK}="%s/"\\n' "$d" >> "$d/variables"
w={shlex.quote(directory)}; case $w in /*) ;; *) w=${{HOME:-}}/$w;; esac
q=$(command -v bash) && q="$q {" ".join(BASH[1:])}" || q=/bin/sh
s=$(command -v setsid) || s=nohup
$s env -i HOME="${{HOME:-/}}" USER="${{USER:-}}" LOGNAME="${{LOGNAME:-}}" PATH={first}"${{PATH:-/usr/local/bin:/usr/bin:/bin}}" \\
  LANG=C.UTF-8 TERM=dumb {MARK}="$d/" /bin/sh "$d/wrapper" "$d" "$n" "$w" "$b" "$u" {given} </dev/null >/dev/null 2>&1 &
i=0; while [ $i -lt 100 ] && ! line "$d/pid.$n" && ! line "$d/exit"; do nap 0.02; i=$((i+1)); done
echo B
"""


#: stand in a command for what only the other place knows: the file of the script, and the best shell there
SCRIPT, SHELL = "\0script", "\0shell"
_PLACES = {SCRIPT: '"$d/script"', SHELL: "$q"}
