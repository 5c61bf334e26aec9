"""Which words of a command are read again as a language of their own: a remote shell's, SQL, awk, JSON, a URL. Pure.

A value that stands in such a word is not only an argument: what it says could be taken for code there. The words of one command
enter; the language of one of them leaves, or None where the program is simply given it. Where in doubt, a language is named: that
only narrows what may stand there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, TypeAlias

from watchkeeper.book.programs import find, word_set

#: "sh", "sql" and "other" are read again; "url" and "data" have an escape of their own; "code": the word is what is run
Language: TypeAlias = Literal["sh", "sql", "other", "url", "data", "code"]

_SHELLS = frozenset({"bash", "sh", "zsh", "dash", "ash", "ksh", "fish"})
#: programs that give all their words to a shell, or to something that reads them again
_JOINING = word_set(
    "eval watch parallel trap at batch pdsh ansible salt crontab make gmake npm yarn pnpm npx systemd-run let unset"
)
_STARTING = word_set(
    "sudo doas env nohup time nice ionice setsid exec command builtin timeout xargs chroot stdbuf gosu su-exec strace source ."
)
_WITH_PROGRAM = word_set("awk gawk mawk nawk sed gsed jq yq")
_INTERPRETERS = re.compile(r"(?:python[\d.]*|node|ruby|perl|php|lua|Rscript)")
_SQL_CLIENTS = word_set("psql mysql mariadb sqlite3 clickhouse-client clickhouse cqlsh sqlplus influx bq snowsql sqlcmd duckdb")
_WEB = word_set("curl wget http https xh")
_SQL_OPTION = re.compile(r"-[A-Za-z]*[ceqvQ]|--(?:command|execute|query|set|variable|init-command)")
_DATA_OPTION = re.compile(r"-d|-F|--data(?:-\w+)?|--json|--form(?:-string)?|--post-data|--body-data|-T")
_SHELL_OPTION = re.compile(r"--(?:command|scripts?|exec|to-command|checkpoint-action|rsh|parameters)|-exec|-execdir|-ok")
_OTHER_OPTION = re.compile(r"--(?:query|template|output|format|eval|jsonpath|filter)|-o|-c")
_SQL_START = re.compile(
    r"\s*(?:SELECT|INSERT|UPDATE|DELETE|ALTER|CREATE|DROP|SET|CALL|EXPLAIN|TRUNCATE|GRANT|WITH)\s", re.IGNORECASE
)
_NUMBERED = re.compile(r"[\d.]+[smhd]?")
_SSH_VALUES = word_set("-i -p -l -F -J -L -R -D -b -c -E -e -I -m -O -Q -S -W -w -B")


def read_again_as(words: Sequence[str], at: int) -> tuple[Language | None, int]:
    """Say as what language the word at a place is read again, and where its text begins; None where it is given as it is."""
    if at == 0 or _begins_program(words, at):
        return "code", at
    for place in range(at):
        found = _by(words[place].rsplit("/", 1)[-1], words, place, at)
        if found != "plain":
            return found, _first(words, place, at) if found == "sh" else at
    own, _, value = words[at].partition("=")
    options = [words[at - 1], *([own] if value else [])]
    if any(map(_SHELL_OPTION.fullmatch, options)):
        return "sh", at
    if any(map(_OTHER_OPTION.fullmatch, options)) and words[0].rsplit("/", 1)[-1] not in ("docker", "docker-compose"):
        return "other", at
    return _by_looks(words[at]), at


def as_parameter(words: Sequence[str], at: int) -> tuple[int, int] | None:
    """Give the place of the shell text that takes the word at a place as its $1, $2 …, and which; None where none does."""
    for place in range(at):
        if words[place].rsplit("/", 1)[-1] in _SHELLS:
            told = next((k for k in range(place + 1, at) if re.fullmatch(r"-[a-z]*c", words[k])), None)
            if told is not None and at > told + 2:
                return told + 1, at - told - 2
    return None


def _first(words: Sequence[str], place: int, at: int) -> int:
    """Give the first of the words that a program joins and gives to a shell."""
    name = words[place].rsplit("/", 1)[-1]
    if name in _JOINING:
        return place + 1
    if name in ("ssh", "autossh"):
        return next((k for k in range(place + 1, at) if _by_ssh(words[place + 1 : k]) == "sh"), at)
    return at


def _by_looks(word: str) -> Language | None:
    if _SQL_START.match(word):
        return "sql"
    first = word.split(maxsplit=1)
    if len(first) == 2 and (find(first[0]) is not None or re.search(r"[;|&]|\$\(", word)):
        return "sh"
    return None


def _begins_program(words: Sequence[str], at: int) -> bool:
    """Tell whether the word at a place names the program that is started."""
    before = [word.rsplit("/", 1)[-1] for word in words[:at]]
    if all(word in _STARTING or word.startswith("-") or "=" in word or _NUMBERED.fullmatch(word) for word in before):
        # what follows an option may be its value: `sudo -u <user> id`
        return not before[-1].startswith("-") or before[-1] == "--"
    if before[-1] == "--" and "exec" in before:
        return True
    if before[0] in ("docker", "docker-compose", "podman") and "exec" in before and "sh" not in before:
        given = [word for word in before[before.index("exec") + 1 :] if not word.startswith("-")]
        return len(given) == 1 and not before[-1].startswith("-")
    return False


def _by(name: str, words: Sequence[str], place: int, at: int) -> Language | Literal["plain"] | None:
    """Say what a program at a place makes of the word at another; "plain" where it says nothing about it."""
    between = words[place + 1 : at]
    if name in ("ssh", "autossh"):
        return _by_ssh(between)
    if name in _SHELLS:
        told = next((k for k, word in enumerate(between) if re.fullmatch(r"-[a-z]*c", word)), None)
        if told is None:
            return "code" if all(word.startswith("-") for word in between) else "plain"
        return "sh" if told == len(between) - 1 else "plain"
    if name in ("su", "runuser", "flock", "script", "sg"):
        return "sh" if between and between[-1] in ("-c", "--command") else "plain"
    if name in _JOINING:
        return "sh"
    if name in _WITH_PROGRAM:
        return _by_program_argument(name, between)
    if _INTERPRETERS.fullmatch(name):
        if between and re.fullmatch(r"-[a-zA-Z]*[ceEr]|--eval|-", between[-1]):
            return "other"
        return "code" if all(word.startswith("-") for word in between) and "-m" not in between else "plain"
    if name in _SQL_CLIENTS:
        given = [word for word in between if not word.startswith("-")]
        option = bool(between and _SQL_OPTION.fullmatch(between[-1]))
        inline = re.match(r"--(?:command|execute|query|set|variable|init-command)=", words[at])
        return "sql" if option or inline or (name == "sqlite3" and given) else "plain"
    if name in ("mongosh", "mongo") and between and between[-1] == "--eval":
        return "other"
    if name in ("redis-cli", "valkey-cli") and any(word.upper() in ("EVAL", "FUNCTION", "SCRIPT") for word in between):
        return "other"
    if name in _WEB and (place == 0 or words[place - 1] in ("sudo", "--")):
        return _by_web(words[at], between)
    if name in ("printf", "date") and all(word.startswith("-") for word in between):
        return "other"
    if name == "rsync" and between and between[-1] in ("-e", "--rsh"):
        return "sh"
    return "plain"


def _by_ssh(between: Sequence[str]) -> Language | Literal["plain"] | None:
    place, hosts = 0, 0
    while place < len(between):
        word = between[place]
        if not hosts and word.startswith("-") and word != "--":
            place += 2 if word in _SSH_VALUES or word == "-o" else 1
            if place > len(between):
                return "code" if word == "-o" else None
            continue
        hosts += word != "--"
        place += 1
    return "sh" if hosts else None


def _by_program_argument(name: str, between: Sequence[str]) -> Language | Literal["plain"] | None:
    if between and between[-1] in ("--arg", "--slurpfile", "--rawfile", "-f", "--file", "-F"):
        return "plain"
    if name == "jq" and len(between) > 1 and between[-2] in ("--arg", "--argjson"):
        return "plain" if between[-2] == "--arg" else "other"
    if between and between[-1] in ("-v", "-e", "--expression", "--argjson"):
        return "other"
    given = [word for word in between if not word.startswith("-")]
    scripted = any(word in ("-e", "-f", "--expression", "--file", "--from-file") for word in between)
    return "other" if not given and not scripted else "plain"


def _by_web(word: str, between: Sequence[str]) -> Language | Literal["plain"] | None:
    before = between[-1] if between else ""
    if _DATA_OPTION.fullmatch(before) or re.match(r"(?:-d|--data(?:-\w+)?=|--json=)\S", word):
        return "data"
    if before in ("-K", "--config"):
        return "code"
    if (
        "://" in word
        or (not before.startswith("-") and "/" in word)
        or before in ("--url", "-L", "-s", "-S", "-f", "-k", "-I", "-v")
    ):
        return "url"
    return "plain" if before.startswith("-") else "url" if "/" in word else "plain"
