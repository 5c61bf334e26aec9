"""Verdicts on programs: a risk with the sentence why, the worst of several, and what the table of programs says."""

from __future__ import annotations

import re
from collections.abc import Sequence

from watchkeeper.book.model import Risk
from watchkeeper.book.programs import Arguments, find
from watchkeeper.book.scripts import Believed

Judged = tuple[Risk, str]
ORDER: dict[Risk, int] = {"read": 0, "change": 1, "unknown": 2, "destroy": 3}


def worst(judged: Sequence[Judged]) -> Judged:
    """Give the worst of several verdicts; unknown where there is none. Of equal ones that counts which is only believed."""
    if not judged:
        return "unknown", "There is no command in it."
    return max(judged, key=lambda one: (ORDER[one[0]], isinstance(one[1], Believed)))


def not_known(name: str, texts: Sequence[str]) -> Judged:
    """Judge a program that no rule knows."""
    if len(texts) == 1 and texts[0] in ("--version", "--help", "version", "-V"):
        return "read", f"{name} {texts[0]} only prints."
    return "unknown", f"No rule knows the program {name}."


_REDIS_CALL = re.compile(r"\bredis\.p?call\(\s*['\"](\w+)['\"]", re.IGNORECASE)
#: by these a script reaches commands without naming them
_REDIS_REACHES = re.compile(r"\bserver\b|_G\b|load|getfenv|require|dofile", re.IGNORECASE)


def _redis_script(texts: Sequence[str]) -> Judged:
    """Judge an EVAL by the commands that its script calls by name."""
    script = texts[[text.lower() for text in texts].index("eval") + 1 :][:1]
    calls = _REDIS_CALL.findall(script[0]) if script else []
    if not calls or len(calls) != len(re.findall(r"redis", script[0], re.IGNORECASE)) or _REDIS_REACHES.search(script[0]):
        return "unknown", "What the script calls is not known."
    return worst([by_table("redis-cli", [call]) for call in calls])


def by_table(name: str, texts: Sequence[str]) -> Judged:
    """Judge a program by the table."""
    program = find(name)
    if name in ("redis-cli", "valkey-cli") and any(text.lower() == "eval" for text in texts):
        return _redis_script(texts)
    if program is None:
        return not_known(name, texts)
    helps = list(texts[-1:]) == ["--help"] and not program.nocase
    if helps and all(re.fullmatch(r"[a-z][\w:-]*", text) for text in texts[:-1]):
        return "read", f"{name} --help only prints."
    given: Arguments = program.arguments(texts)
    risk, pattern = program.risk(given)
    if risk is None or (risk == "unknown" and not pattern):
        if not given.words and program.alone:
            return program.alone, f"{name} alone does more than print its usage."
        if not given.words and (program.nocase or (not given.options and program.waits_for_a_person(given))):
            return "read", f"{name} alone opens a session."
        return "unknown", f"What {name} {' '.join(given.words[:2])} does is in no rule.".replace("  ", " ")
    said = {
        "read": "changes nothing",
        "change": "alters state",
        "destroy": "deletes, overwrites or cannot be taken back",
        "unknown": "is in no rule",
    }[risk]
    return risk, f"{name}{' ' + pattern if pattern and pattern != 'always' else ''} {said}."


#: `nc -e /bin/sh`, `ncat --sh-exec …`
_WIRE_RUNS = re.compile(r"-[a-z]*[ec](?:$|[/\s'\"])|--(?:sh-)?e|--lua")
#: what socat only passes bytes to
_JOINS = re.compile(
    r"-|stdio|stdin|stdout|(?:unix|unix-connect|unix-client|tcp|tcp4|tcp6|tcp-connect|tcp4-connect|openssl|ssl|openssl-connect):[^,!]*"
    r"(?:,(?:verify=\d|connect-timeout=\d+|crnl|crlf|shut-none))*|[\w./-]*(?:\.sock(?:et)?|/sock(?:et)?|/stats?|/run/[\w./-]+)",
    re.IGNORECASE,
)
_TYPED_READ = re.compile(
    r"(?:show|help|get|gets|stats?|ruok|mntr|srvr|conf|cons|envi|info|ping|version|quit|exit|auth|dbsize|prompt|"
    r"(?:GET|HEAD|OPTIONS) \S+ HTTP/\S+|[A-Z][\w-]+: \S.*)\b.*", re.IGNORECASE)  # fmt: skip
_TYPED_CHANGE = re.compile(r"(?:disable|enable|set|add|shutdown sessions?|clear counters|operator)\b.*", re.IGNORECASE)


def by_wire(name: str, texts: Sequence[str], stdin: str | None, said: str) -> Judged:
    """Judge what is sent to a port or a socket as typed lines (memcached, ZooKeeper, HAProxy, HTTP)."""
    if name == "openssl" and (stdin is None or stdin == "null" or (stdin == "text" and said.strip() in ("", "Q"))):
        return by_table(name, texts)
    if any(_WIRE_RUNS.match(text) for text in texts):
        return "unknown", f"What {name} runs is not known."
    if (
        name == "socat"
        and stdin == "text"
        and not all(_JOINS.fullmatch(text) for text in texts if not text.startswith("-") or text == "-")
    ):
        return "unknown", "What socat joins is not known."
    if stdin is None or stdin == "null" or any(re.fullmatch(r"-[a-z]*[zl][a-z]*", text) for text in texts):
        if name == "socat":
            return "unknown", "What socat joins is not known."
        return "read", f"{name} only connects or listens."
    if stdin != "text":
        return "unknown", f"What is sent by {name} is not known."
    lines = [line.strip() for line in re.split(r"\\r\\n|\\n|\\r|[\r\n;]", said) if line.strip()]
    if any(
        re.match(r"stats? +(?:reset|detail)|conf(?:ig)? +(?!get)|get +\S*(?:shutdown|stop|kill|delete|restart)", line, re.I)
        for line in lines
    ):
        return "change", f"What {name} sends alters a state."
    if all(_TYPED_READ.fullmatch(line) for line in lines):
        return "read", f"What {name} sends only asks."
    if all(_TYPED_READ.fullmatch(line) or _TYPED_CHANGE.fullmatch(line) for line in lines):
        return "change", f"What {name} sends alters a state."
    return "unknown", f"What {name} sends is in no rule."
