"""What a command needs before it can run: its placeholders as typed inputs, and which values they may have. Pure.

A token of the book (`<pod-name>`, `{name}`, `YOUR_BUCKET`, `YYYYMMDD`, `$TAG`) becomes an Input: a name, a kind that its name
tells, a pattern, a default. What watchkeeper.toml declares under [inputs] goes before what the name tells, and the place in which
a value is to stand can only narrow both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from watchkeeper.base.errors import InputError
from watchkeeper.base.secrets import Scrubber, Secret
from watchkeeper.estate.model import InputRule
from watchkeeper.run.model import Input
from watchkeeper.run.values.contexts import LIMITS, Place


@dataclass(frozen=True, slots=True)
class Kind:
    """A built-in kind: which names are of it, what its values look like, and that in words."""

    name: str
    names: str
    pattern: str | None
    words: str


_DAY = r"\d{4}[-_./]?\d{2}[-_./]?\d{2}(?:[T_ -]?\d{2}[:_-]?\d{2}(?:[:_-]?\d{2})?Z?)?"
_EMAIL = r"[A-Za-z0-9._%+]+[A-Za-z0-9._%+-]*@[A-Za-z0-9][A-Za-z0-9.-]*\.[A-Za-z]{2,24}"
_URL = r"[a-z][a-z0-9+.-]*://[^\s'\"<>`\\|;$(){}]+"
_FILE = r"(?!(?:.*/)?\.\.(?:/|$))[A-Za-z0-9_./~][A-Za-z0-9_.,:+@%=/ ~-]{0,1023}"
_NUMBERS = "pid|number|count|replicas|port|size|limit|revision|seconds|minutes|hours|days|lines|n|workers|instances|xid"
_HOSTS = "host|hostname|host_name|ip|ip_address|server|domain|domain_name|fqdn|endpoint|address|region|zone|new_primary"
_OBJECTS = (
    "pod|container|deployment|deploy|service|svc|node|namespace|ns|cluster|job|app|application|volume|instance|queue|topic|bucket|"
    "project|resource_group|unit|process|function|stack|context"
)

#: the first kind whose names fit the end of an input's name
KINDS: tuple[Kind, ...] = (
    Kind("secret", "password|passwd|pass|secret|token|api_?key|private_?key|credentials?|webhook", None, "a secret"),
    Kind("date", "date|day|since|until", _DAY, "a date"),
    Kind("time", "time|timestamp|stamp", r"[0-9][0-9TZ:._+ -]{3,31}", "a time"),
    Kind("email", "e_?mail|mail_address", _EMAIL, "an e-mail address"),
    Kind("url", "url|uri|webhook_url|endpoint_url", _URL, "a URL"),
    Kind("amount", "amount|price|total|percent|percentage|threshold", r"\d{1,15}(?:\.\d{1,6})?", "an amount"),
    Kind("number", _NUMBERS, r"\d{1,18}", "a whole number"),
    Kind("host", _HOSTS, rf"{LIMITS['host']}|[0-9A-Fa-f:]{{2,39}}", "a host name or address"),
    Kind("image", "image|image_name|digest", r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254}", "an image"),
    Kind(
        "version",
        "version|tag|release|branch|commit|sha|hash|image_tag",
        r"[A-Za-z0-9][A-Za-z0-9._+/-]{0,127}",
        "a version or tag",
    ),
    Kind(
        "object", rf"(?:{_OBJECTS})(?:_(?:name|id))?", r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}", "a name of letters, digits, . - and _"
    ),
    Kind(
        "file", "(?:file|filename|path|backup|dump|dir|directory|folder|archive|key)(?:_(?:name|file|path|dir))?", _FILE, "a file"
    ),
    Kind("id", "id|uuid|arn|identifier|ref|reference", r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,255}", "an id"),
    Kind("table", "(?:table|column|index|database|db|schema|role)(?:_name)?", LIMITS["name"], "a plain name"),
    Kind("user", "user|username|user_name|login|account|owner|customer|name", r"[A-Za-z0-9_][A-Za-z0-9_.@ -]{0,127}", "a name"),
)
TEXT = Kind("text", "", None, "a text")
_COMPILED = tuple((kind, re.compile(rf"(?:^|.*_)(?:{kind.names})\d?$")) for kind in KINDS)
_YOURS = re.compile(r"^(?:your|my|dein|ihre?|votre|tu|su|mi|seu|sua|the|new|old|target|some|path_to)_")
_DATE_LETTERS = (("YYYY", "%Y"), ("MM", "%m"), ("DD", "%d"), ("HH", "%H"), ("SS", "%S"))
#: variables that would change what every program does; no input may be one of them
FORBIDDEN = re.compile(
    r"PATH|IFS|ENV|BASH_.*|SHELLOPTS|BASHOPTS|PS\d|PROMPT_COMMAND|LD_.*|DYLD_.*|PYTHON\w*|PERL\w*|NODE_OPTIONS|GIT_.*|EDITOR|PAGER|"
    r"HOME"
)
MOST_LETTERS = 4096


def name_of(token: str) -> str:
    """Give the name of an input by its token.

    >>> [name_of(t) for t in ("<pod-name>", "$POSTGRES_DB", "YOUR_BUCKET", "backup_YYYYMMDD", "{user id}", "YYYY-MM-DD")]
    ['pod_name', 'postgres_db', 'bucket', 'backup_yyyymmdd', 'user_id', 'date']
    """
    if re.fullmatch(r"[YMDHS_:T. /-]+", token) and "Y" in token:
        return "date"
    if re.fullmatch(r"HH:MM(?::SS)?", token):
        return "time"
    plain = re.sub(r"\W+", "_", token.strip("<>[]{}$ \"'").casefold(), flags=re.ASCII).strip("_")
    plain = re.sub(r"_?x{3,}(?:_x+)*_?", "_id", plain).strip("_") or "value"
    if plain.endswith(("_com", "_de", "_org", "_net", "_example")) and "." in token:
        return "domain"
    return _YOURS.sub("", plain) or plain


def variable_of(token: str) -> str:
    """Give the name of the variable by which a token's value reaches a shell."""
    return token.strip("${}") if token.startswith("$") else f"WK_{name_of(token).upper()}"


def input_of(token: str, places: Sequence[Place], rules: Mapping[str, InputRule], now: datetime | None = None) -> Input:
    """Make the input of a token that stands in these places."""
    name = name_of(token)
    rule = rules.get(name) or InputRule(name)
    kind = next((kind for kind, pattern in _COMPILED if pattern.match(name)), TEXT)
    dated = _date_pattern(token)
    if dated is not None:
        kind = replace(KINDS[1], pattern=dated)
    limits = tuple(dict.fromkeys(place.limit for place in places if place.limit))
    pattern = rule.pattern if rule.pattern is not None else None if rule.choices or rule.query else kind.pattern
    shown = now.strftime(_date_format(token)) if now and dated is not None else None
    return Input(
        name=name,
        token=token,
        kind=kind.name,
        pattern=pattern,
        words=rule.words or (f"something like {pattern}" if rule.pattern is not None else kind.words),
        choices=rule.choices,
        listed=bool(rule.choices or rule.query),
        query=rule.query,
        default=rule.default if rule.default is not None else shown,
        may_begin_with_dash=rule.may_begin_with_dash,
        may_have_lines=rule.may_have_lines,
        limits=limits,
    )


def _date_format(token: str) -> str:
    text = token.replace("HH:MM", "HH:%M").replace("HHMM", "HH%M").replace("HH-MM", "HH-%M").replace("HH_MM", "HH_%M")
    for letters, directive in _DATE_LETTERS:
        text = text.replace(letters, directive)
    return text.replace("%%M", "%M")


def _date_pattern(token: str) -> str | None:
    """Give the pattern of a token that shows the form of a date; None where it is none."""
    if not (re.fullmatch(r"[YMDHS_:T. /-]+", token) and ("YYYY" in token or "HH" in token)):
        return None
    return re.sub(r"[YMDHS]", lambda _: r"\d", re.escape(token))


def why_not(given: Input, value: str) -> str | None:
    """Say why a value cannot be given to an input; None where it can."""
    if "\0" in value:
        return "It has a NUL in it, which no program can be given."
    if not given.may_have_lines and ("\n" in value or "\r" in value):
        return "It has more than one line; `lines = true` under [inputs] would allow that."
    if len(value) > MOST_LETTERS:
        return f"It is longer than {MOST_LETTERS} letters."
    if value.startswith("-") and not given.may_begin_with_dash:
        return 'It begins with "-", so a program would take it for an option; `dash = true` under [inputs] would allow that.'
    if not value:
        return "It is empty."
    if given.listed and value not in given.choices:
        shown = ", ".join(given.choices[:12]) + (" …" if len(given.choices) > 12 else "")
        return f"It is none of: {shown}." if given.choices else "The list of what it may be is not known."
    if given.pattern is not None and re.fullmatch(given.pattern, value) is None:
        return f"It is not {given.words}."
    for limit in given.limits:
        if limit == "listed" and not given.listed:
            return "It would name a table or the like, and [inputs] gives no choices or query for it."
        if re.fullmatch(LIMITS[limit], value, re.ASCII) is None:
            return f"Where it is to stand, {_LIMIT_WORDS[limit]} can be passed safely."
    return None


_LIMIT_WORDS = {
    "safe": "only letters, digits, dots, - and _",
    "digits": "only digits",
    "host": "only a host and a port",
    "name": "only a plain name",
    "listed": "only a plain name",
}


def by_name(values: Mapping[str, str]) -> dict[str, str]:
    """Give values under the names that inputs have, however a person wrote them.

    >>> by_name({"pod-name": "web-1", "$POSTGRES_DB": "shop"})
    {'pod_name': 'web-1', 'postgres_db': 'shop'}
    """
    return {name_of(name): value for name, value in values.items()}


def read_pairs(pairs: Iterable[str]) -> dict[str, str]:
    """Read "name=value" as a command line gives them; raises ValueError for one without "="."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise ValueError(pair)
        found[name.strip()] = value
    return found


def check_value(given: Input, value: str, secrets: Iterable[Secret] = ()) -> None:
    """Raise InputError where a value cannot be given to an input, or holds a secret, which would then stand in the log."""
    if Scrubber(secrets).clean(value) != value:
        hint = "Put it under [variables] in watchkeeper.toml, from the environment or a file."
        raise InputError(f"What is given for {given.name} holds a secret.", hint=hint, code="WK154")
    wrong = why_not(given, value)
    if wrong is not None:
        raise InputError(f"{value!r} cannot be given for {given.token}. {wrong}", hint=f"It takes {given.words}.", code="WK172")


def no_input(name: str, known: Iterable[str]) -> InputError:
    """Give the error for a value that nothing takes in."""
    return InputError(f"Nothing here takes an input {name}.", hint=f"Known here: {', '.join(known) or 'none'}.", code="WK153")


def input_from_json(value: Mapping[str, Any]) -> Input:
    """Read an input as a question carries it; fields that this release does not know are left out."""
    names = {each.name for each in fields(Input)}
    known: dict[str, Any] = {
        name: tuple(each) if isinstance(each, list) else each for name, each in value.items() if name in names
    }
    return Input(**known)
