"""What runs around a job wherever there is a POSIX shell: the wrapper that makes it findable, and how all of it is ended.

A job's folder holds its script, its raw output, `pid.N` (who runs it: pid, start, boot; made exclusively before the script
begins) and `exit` (its status). Whoever finds no `pid.N` makes it himself and has thereby proved that the job never began: a
wrapper that comes late cannot make it again and goes away. A line counts only with its final dot, so a torn write is no answer.
"""

from __future__ import annotations

#: the variable that each process of a job carries: it finds those that left the group, the session and their parent
MARK = "WATCHKEEPER_JOB"
VOID = "void .\n"
#: `exit` is made as large as it will be before the job begins, so that a full disk keeps no status from being written
BLANK = " " * 39 + "\n"

# 1 folder, 2 number of the claim, 3 directory, 4 "durable" or "", 5 boot id, then the command.
# TERM is caught so that the wrapper outlives the end of its group by a moment and writes the status. The status is synced only
# when our process died meanwhile: while it lives, it writes the outcome durably itself.
WRAPPER = """
d=$1 n=$2 w=$3 s=$4 b=$5; shift 5
read -r x x x x x x x x x x x x x x x x x x x x x t x < /proc/$$/stat || t=0
set -C; printf '%s %s %s .\\n' $$ "$t" "$b" > "$d/pid.$n" || exit 125; set +C
trap : TERM INT HUP
if cd "$w"; then "$@"; r=$?; else r=126; fi
printf '%s .\\n' $r 1<> "$d/exit"
read -r x x x p x < /proc/$$/stat || p=0
[ -z "$s" ] || [ "$p" = "$PPID" ] || sync "$d/exit" "$d"
"""

# 1 signal, 2 the mark: what this user may see and end of a job, wherever it went
END_MARKED = f"""
for e in $(grep -lszF "{MARK}=$2" /proc/[0-9]*/environ 2>/dev/null); do
  p=${{e#/proc/}}; p=${{p%/environ}}
  [ "$p" = $$ ] || kill "-$1" "$p" 2>/dev/null
done
:
"""

STOPPED = {
    "timeout": "It did not end within its time limit and was stopped.",
    "flood": "It printed more than can be kept and was stopped.",
    "cancelled": "It was stopped by a person.",
}


def mark_of(folder: object) -> str:
    """Give the mark of the job in a folder: no other job's mark begins with it."""
    return f"{folder}/"
