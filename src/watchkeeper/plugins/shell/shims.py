"""The runbook's own words: small programs put first in PATH while a script runs, each named by a word that the script says.

The script's text stays as it is. Each shim takes its own folder out of PATH before it hands on, so that it never meets itself.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from watchkeeper.run.words import COMPOSE, says_compose, words_in

_BARE = """#!/bin/sh
own=${{0%/*}} bare=
IFS=:
for each in $PATH; do [ "$each" = "$own" ] || bare="$bare${{bare:+:}}$each"; done
unset IFS
PATH=$bare
"""
_MAPPED = _BARE + 'exec {becomes} "$@"\n'
_COMPOSE: Mapping[str, str] = {
    "docker-compose": _BARE
    + """command -v docker-compose >/dev/null 2>&1 && exec docker-compose "$@"
exec docker compose "$@"
""",
    "docker": _BARE
    + """if [ "${{1-}}" = compose ] && ! docker compose version >/dev/null 2>&1; then shift; exec docker-compose "$@"; fi
exec docker "$@"
""",
}
# sudo has a PATH of its own: the program that it is to start is named with its folder where it is one of ours
_SUDO = (
    _BARE
    + """found= before= left=$#
while [ $left -gt 0 ]; do
  each=$1 left=$((left - 1)); shift
  if [ -z "$found" ]; then
    case $before in
      -u|-g|-h|-p|-C|-r|-t|-T|-U|-D|-R|--user|--group|--host|--chdir) ;;
      *) case $each in -*|*=*) ;; *) found=1; [ ! -x "$own/$each" ] || each=$own/$each ;; esac ;;
    esac
  fi
  before=$each; set -- "$@" "$each"
done
exec sudo "$@"
"""
)


def shims(script: str, words: Mapping[str, str]) -> dict[str, str]:
    """Give the programs that a script needs, by name; none where it says no word that means something else."""
    made = {word: _MAPPED.format(becomes=_quoted(words[word])) for word in words_in(script, words)}
    if says_compose(script):
        made |= {word: _COMPOSE[word].format() for word in COMPOSE if word not in words}
    if made and "sudo" not in words and words_in(script, {"sudo": ""}):
        made["sudo"] = _SUDO.format()
    return made


def _quoted(words: str) -> str:
    return shlex.join(shlex.split(words))
