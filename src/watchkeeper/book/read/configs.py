"""Read blocks of configuration: what system they configure, which object, and the values that matter. Never commands."""

from __future__ import annotations

import re
from collections.abc import Callable

from watchkeeper.book.model import Config
from watchkeeper.book.read.passages import Passages
from watchkeeper.book.vocabulary import Matcher
from watchkeeper.text.blocks import Block

Values = dict[str, object]
_SCALAR = re.compile(r"^(?P<indent>\s*)(?:-\s+)?(?P<key>[A-Za-z][\w./-]*)\s*:\s*(?P<value>[^#{\[\n]*?)\s*(?:#.*)?$")
_ASSIGNED = re.compile(r"[\"']?(?P<key>[A-Za-z_]\w*)[\"']?\s*[:=]\s*(?P<value>-?\d+(?:\.\d+)?|True|False|\"[^\"]*\"|'[^']*')")
_DIRECTIVE = re.compile(r"^\s*(?P<key>[a-z_]+)\s+(?P<value>[^;{}]+);", re.MULTILINE)
_HAPROXY_SECTIONS = frozenset({"global", "defaults", "frontend", "backend", "listen", "peers", "resolvers", "userlist", "cache"})
_KUBERNETES = frozenset(
    {
        "replicas",
        "minReplicas",
        "maxReplicas",
        "averageUtilization",
        "progressDeadlineSeconds",
        "maxUnavailable",
        "maxSurge",
        "failureThreshold",
        "successThreshold",
        "path",
        "port",
        "initialDelaySeconds",
        "periodSeconds",
        "timeoutSeconds",
        "terminationGracePeriodSeconds",
        "cpu",
        "memory",
        "schedule",
        "storage",
        "kind",
        "image",
        "minAvailable",
        "revisionHistoryLimit",
    }
)


#: fences that are a file of variables, and those that are where the heading or label above says so
_VARIABLES = frozenset({"env", "dotenv", "properties"})
_SHELLS = frozenset({"", "bash", "sh", "shell", "ini", "text"})
ENVIRONMENT = Matcher(re.compile(
    r"\.env\b|^\W*(?:\d+\W+)?environment\W*$|\benvironment (?:variables?|file)|\benv (?:vars?|file)|umgebungsvariablen|"
    r"\bvariables d'environnement\b|\bvariables de entorno\b|\bvariáveis de ambiente\b|環境変数|环境变量|환경 ?변수",
    re.IGNORECASE,
), ("env", "environment", "*umgebungsvariablen*", "variables", "variáveis de ambiente"))  # fmt: skip


def read_configs(passages: Passages) -> tuple[Config, ...]:
    """Read all configuration blocks."""
    found: list[Config] = []
    for block, section, under in passages.fences:
        if block.info in _VARIABLES or (block.info in _SHELLS and ENVIRONMENT.search(" ".join((section.title, *under[-1:])))):
            target, values = _environment(block.text)
            if values:
                found.append(Config(line=block.line, kind="env", target=target, values=values))
                continue
        for matches, kind, read in _KINDS if _SIGNS.search(block.text) else ():
            if matches(block):
                target, values = read(block.text)
                if values:
                    found.append(Config(line=block.line, kind=kind, target=target, values=values))
                break
    return tuple(found)


_VARIABLE = re.compile(r"(?:export\s+)?([A-Z][A-Z0-9_]+)=(.*)")


def _environment(text: str) -> tuple[str | None, Values]:
    """Read a file of variables; None of them where another line than a variable or a comment is in it."""
    rows = [row.strip() for row in text.split("\n")]
    found = [_VARIABLE.fullmatch(row) for row in rows if row and not row.startswith("#")]
    return None, {m[1]: _number(m[2].split(" #")[0]) for m in found if m} if all(found) else {}


def _number(text: str) -> object:
    text = text.strip().strip("\"'")
    if re.fullmatch(r"-?[0-9]{1,18}", text):
        return int(text)
    if re.fullmatch(r"-?[0-9]{1,18}\.[0-9]{1,18}", text):
        return float(text)
    return {"true": True, "false": False}.get(text.lower(), text)


def _kubernetes(text: str) -> tuple[str | None, Values]:
    """Take the scalars that matter of a manifest, under their parent's name where they have one."""
    values: Values = {}
    target: str | None = None
    parents: list[tuple[int, str]] = []
    for row in text.split("\n"):
        match = _SCALAR.match(row)
        if match is None:
            opened = re.match(r"^(\s*)(?:-\s+)?([\w.-]+)\s*:\s*$", row)
            if opened:
                match_indent, key = len(opened[1]), opened[2]
                parents = [p for p in parents if p[0] < match_indent] + [(match_indent, key)]
            continue
        indent = len(match["indent"])
        parents = [p for p in parents if p[0] < indent]
        key, value = match["key"], match["value"]
        if not value:
            parents.append((indent, key))
        elif key == "name" and target is None:
            target = value.strip("\"'")
        elif key == "name" and "resource" in [p[1] for p in parents]:
            parents.append((indent - 1, value))
        elif key in _KUBERNETES:
            owner = next(
                (
                    name
                    for _, name in reversed(parents)
                    if name not in ("spec", "template", "containers", "metadata", "target", "httpGet", "strategy", "metrics")
                ),
                None,
            )
            values[f"{owner}.{key}" if owner and key != "kind" else key] = _number(value)
    return target, values


def _assignments(text: str) -> tuple[str | None, Values]:
    return None, {match["key"]: _number(match["value"]) for match in _ASSIGNED.finditer(text)}


def _engine(text: str) -> tuple[str | None, Values]:
    call = text[text.find("create_engine") :]
    return None, {match["key"]: _number(match["value"]) for match in _ASSIGNED.finditer(call)}


def _directives(text: str) -> tuple[str | None, Values]:
    values: Values = {match["key"]: _number(match["value"]) for match in _DIRECTIVE.finditer(text)}
    name = re.search(r"server_name\s+([^;\s]+)", text)
    return (name[1] if name else None), values


def _commented(text: str) -> tuple[str | None, Values]:
    """Read rules that stand as comments: "# Cache time: 5 minutes", numbered where a key comes again."""
    values: Values = {}
    for row in text.split("\n"):
        match = re.match(r"^\s*#\s*([\w ]{2,40}?):\s*(.+?)\s*$", row)
        if match:
            key, n = match[1], 2
            while key in values:
                key, n = f"{match[1]} {n}", n + 1
            values[key] = match[2]
    return None, values


def _logrotate(text: str) -> tuple[str | None, Values]:
    match = re.search(r"^\s*(?P<files>/\S+)\s*\{(?P<body>[^}]*)\}", text, re.MULTILINE)
    if match is None:
        return None, {}
    values: Values = {}
    for row in match["body"].split("\n"):
        words = row.split(maxsplit=1)
        if words:
            values[words[0]] = _number(words[1]) if len(words) > 1 else True
    return match["files"], values


def _logstash(text: str) -> tuple[str | None, Values]:
    values: Values = {
        "stages": [stage for stage in ("input", "filter", "output") if re.search(rf"^\s*{stage}\s*\{{", text, re.MULTILINE)]
    }
    for match in re.finditer(r"(\w+)\s*=>\s*(\d+|\"[^\"]*\"|\[\s*\"[^\"]*\"[^\]]*\])", text):
        values.setdefault(match[1], _number(match[2].strip("[] ")))
    return None, values


def _haproxy(text: str) -> tuple[str | None, Values]:
    """Read HAProxy's sections: "section.key" for the settings, a list for the servers of a backend."""
    values: Values = {}
    section = target = None
    for row in text.split("\n"):
        words = row.split("#")[0].split()
        if not words:
            continue
        if words[0] in _HAPROXY_SECTIONS and not row[:1].isspace():
            section = " ".join(words[:2])
            target = target or (words[1] if len(words) > 1 and words[0] in ("backend", "listen", "frontend") else None)
        elif section and len(words) > 1:
            key, rest = (
                (words[0], words[1:]) if words[0] not in ("timeout", "option", "stats") else (" ".join(words[:2]), words[2:])
            )
            if words[0] == "server":
                servers = values.setdefault(f"{section}.servers", [])
                if isinstance(servers, list):
                    servers.append(" ".join(rest[:2]))
            else:
                values[f"{section}.{key}"] = _number(" ".join(rest)) if rest else True
    return target, values


def _paths(text: str) -> tuple[str | None, Values]:
    """Read rules by path: "/static/*  cache 30d", "/api/* -> no-cache"."""
    return None, {
        m[1]: m[2].strip()
        for m in re.finditer(
            r"^\s*(?:-\s*)?(/[\w./*{}-]*)\s*(?:->|→|=>|:|=|"
            r"\s)\s*(\S.*)$",
            text,
            re.MULTILINE,
        )
    }


def _words(text: str) -> tuple[str | None, Values]:
    """Read "key value" lines."""
    return None, {m[1]: _number(m[2]) for m in re.finditer(r"^\s*([a-z-]+)\s+(\S+)\s*$", text, re.MULTILINE)}


def _equals(text: str) -> tuple[str | None, Values]:
    """Read "key = value" lines."""
    return None, {m[1]: _number(m[2]) for m in re.finditer(r"^\s*(\w+)\s*=\s*([^#\n]+)", text, re.MULTILINE)}


#: the words of all kinds
_EVERY_SIGN: set[str] = set()


def _has(*patterns: str, infos: str = "", words: str) -> Callable[[Block], bool]:
    """Recognise a block: its language word, one of the words that only it has, then its patterns."""
    compiled = [re.compile(pattern, re.MULTILINE) for pattern in patterns]
    allowed = frozenset(infos.split(","))
    any_of = tuple(words.split())
    _EVERY_SIGN.update(any_of)

    def matches(block: Block) -> bool:
        if infos and block.info not in allowed:
            return False
        text = block.text
        return any(map(text.__contains__, any_of)) and all(pattern.search(text) for pattern in compiled)

    return matches


_KINDS: tuple[tuple[Callable[[Block], bool], str, Callable[[str], tuple[str | None, Values]]], ...] = (
    (_has(r"^\s*input\s*\{", r"=>", words="input"), "logstash", _logstash),
    (_has(r"^\s*/\S+\s*\{", r"^\s*rotate\s+\d+", words="rotate"), "logrotate", _logrotate),
    (_has(r"apiVersion:", r"kind:", words="apiVersion:"), "kubernetes", _kubernetes),
    (_has(r"^\s*DATABASES\s*=|^\s*CACHES\s*=|CONN_MAX_AGE", words="DATABASES CACHES CONN_MAX_AGE"), "django", _assignments),
    (_has(r"create_engine\(", words="create_engine"), "sqlalchemy", _engine),
    (
        _has(
            r"^(?:global|defaults|frontend|backend|listen)\b",
            r"^\s+(?:maxconn|timeout|balance|server|bind|mode)\s",
            words="global defaults frontend backend listen",
        ),
        "haproxy",
        _haproxy,
    ),
    (
        _has(r"^\s*(?:-\s*)?/\S*\s*(?:->|→|=>|:|\s)\s*\S*(?:[Cc]ache|TTL|ttl|max-age)", words="ache TTL ttl max-age"),
        "cdn",
        _paths,
    ),
    (_has(r"^\s*#.*(?:[Cc]ache|TTL)[\w ]*:", infos="nginx,text,,conf", words="ache TTL"), "cdn", _commented),
    (
        _has(
            r"^\s*(?:server|location|upstream|http|proxy_\w+|limit_req\w*)\b[^\n]*[{;]",
            infos="nginx,conf,",
            words="server location upstream http proxy_ limit_req",
        ),
        "nginx",
        _directives,
    ),
    (_has(r"^services:", infos="yaml,yml", words="services:"), "compose", _kubernetes),
    (
        _has(r"^\s*maxmemory|^\s*appendonly|^\s*save \d+ \d+", infos="conf,redis,ini,text,", words="maxmemory appendonly save"),
        "redis",
        _words,
    ),
    (
        _has(
            r"^\s*(?:max_connections|shared_buffers|work_mem|wal_level)\s*=",
            infos="conf,ini,postgresql,text,",
            words="max_connections shared_buffers work_mem wal_level",
        ),
        "postgresql",
        _equals,
    ),
)
#: most blocks have none of the words, and are of no kind
_SIGNS = re.compile("|".join(map(re.escape, sorted(_EVERY_SIGN))))
