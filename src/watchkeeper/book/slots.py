"""Slots in a text: what a reader must replace or set before use. Text goes in; tokens as written, with their kind, come out."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, TypeAlias

from watchkeeper.book.programs import word_set
from watchkeeper.book.syntax import ANGLE

SlotKind: TypeAlias = Literal["env", "angle", "bracket", "brace", "word", "date"]

#: variables that every shell has
SHELL_OWN = word_set(
    "HOME PATH USER PWD SHELL HOSTNAME RANDOM SECONDS UID EUID LANG TERM OLDPWD IFS LINENO TMPDIR EDITOR LOGNAME "
    "PPID OPTARG OPTIND REPLY FUNCNAME BASH "
    "BASH_SOURCE BASH_VERSION PIPESTATUS LC_ALL DISPLAY COLUMNS LINES HOSTTYPE OSTYPE MACHTYPE SHLVL PS1 PS4 "
    "EPOCHSECONDS MAILTO NF NR FS OFS RS FILENAME")  # fmt: skip
_ENV = re.compile(r"\$(?<![\\$]\$)(?:\{([A-Za-z_]\w*)(?:\}|:\??\d|:?\?|[%#/\[^,])|([A-Za-z_]\w*))")
_DATE = re.compile(
    r"(?<![A-Za-z%])(?:YYYY[-_./]?MM[-_./]?DD(?:[-_T]?HH[-_:]?MM(?:[-_:]?SS)?Z?)?|YYYYMMDDHHMMSS|YYYYMMDD[-_]?HHMMSS|YYYY-MM|HH:MM(?::SS)?)(?![A-Za-z])"
)
_BRACE = re.compile(
    r"(?<![\w${'\"\\%@])\{([A-Za-z][A-Za-z]*(?:[_-][A-Za-z0-9]+)*)\}(?!\})|\{\{\s*([A-Z][A-Z0-9_]+|[a-z]+(?:[_-][a-z0-9]+)+)\s*\}\}"
)
_BRACKET = re.compile(
    r"(?<![\w\])$\\\[.'\"=~^*+-])\[(?!\s|x\]|X\]|-|\^|:|!|@|\.|\d+\]|[A-Za-z]\])([A-Za-z][^\[\]|&;$`\"'(){}=~*\\<>]{0,60})\](?![(\[\w:*+?])"
)
#: `[DB_HOST]` is a slot wherever it stands, also within a word: `--instance=[NAME]`, `https://[HOST]/health`
_BRACKET_CAPS = re.compile(r"(?<![\w$\\])\[(?=[A-Z]*[A-Z]{2})[A-Z][A-Z0-9]+(?:[_ -][A-Z0-9]+)*\](?!\()")
#: so is a bracket that holds words no program writes: `[原因]`, `[À définir]`
_BRACKET_WORDS = re.compile(r"\[(?=[^\[\]]*[^\W\d_\x00-\x7f])[^\W\d_][^\[\]|&;$`\"(){}=~*\\<>\n]{0,60}\](?![(\[:])")
#: a device or a disk of which only the kind is said
_DEVICE = re.compile(r"/dev/(?:sd|xvd|vd|hd|nvme)[XY](?:\d)?(?![A-Za-z])|/dev/nvmeXn\d")
#: what follows the scheme of an authorization header, or stands alone in quotes of SQL
_HEADER = re.compile(r"(?:(?<=Bearer )|(?<=OAuth )|(?<=Basic ))(?:[A-Z][A-Z0-9]*_)*(?:TOKEN|KEY|SECRET|CREDENTIALS|JWT)(?![\w])")
_QUOTED_CAPS = re.compile(r"[A-Z](?:(?<=[=<>] '[A-Z])|(?<=[=<>]'[A-Z]))[A-Z0-9]*(?:_[A-Z0-9]+)+(?=')")
_YOUR = re.compile(
    r"(?:(?<=//)|(?<![\w/$-]))(?:(?:your|YOUR|Your)(?:[-_][A-Za-z0-9]+)+(?:\.[a-z]{2,})*|(?:your-?|my-?|dein-?|deine-|ihre?-|votre-|tu-|su-|mi-|seu-|sua-)(?:domain|domaine|dominio|domäne|firma|empresa|company|site|host|server|app)\.[a-z]{2,}(?:\.[a-z]{2,})?|your[-_]?(?:domain|bucket|host|server|namespace|cluster|project|registry|org|token|password|key)(?![A-Za-z]))(?![\w@])"
)
_XXX = re.compile(
    r"(?<![\w+])\+?\d{0,3}[-. ]?\(?(?:X{2,4}|x{2,4})\)?(?:[-. ](?:X{2,8}|x{2,8}|\d{2,4}))+(?![\w-])|"
    r"(?<![\w-])[a-z]{1,12}-x{3,}(?![\w-])|(?<![\w-])(?:X{4,}|x{4,})(?![\w-])|(?<![\w+])\+\d{1,3}(?:[- ]\d{2,"
    r"4})*(?:[- ](?:X{1,8}|x{1,8}))+(?![\w-])"
)
_CHANGE_ME = re.compile(
    r"\b(?:CHANGE[-_]?ME|REPLACE[-_]?(?:ME|WITH(?:[-_]\w+)+|THIS)|INSERT[-_]\w+[-_]HERE|[A-Z]+(?:_[A-Z]+)*_HERE)\b", re.IGNORECASE
)
_CAPS = re.compile(
    r"[A-Z](?:(?<![\w${.:%\"'\[<-][A-Z])[A-Z0-9]*(?:_[A-Z0-9]+)+(?![\w(=:}.\]-])|(?<==[A-Z])[A-Z0-9]*(?:[_-][A-Z0-9]+)+(?![\w(=:}]))"
)
_PATH = re.compile(r"/?(?:path|PATH)/to/[\w./-]+")


def env_names(text: str) -> list[tuple[str, int]]:
    """Give the names of variables used in shell text with their offsets, without the shell's own."""
    found: list[tuple[str, int]] = []
    for match in _ENV.finditer(text) if "$" in text else ():
        name = match.group(1) or match.group(2)
        if name not in SHELL_OWN and len(name) > 1:
            found.append((name, match.start()))
    return found


#: how every "my-company.com" begins
_OWN_SITES = ("my", "dein", "ihr-", "ihre-", "votre-", "tu-", "su-", "mi-", "seu-", "sua-")
_CHANGE_WORDS = ("changeme", "change-me", "change_me", "replace", "_here", "-here")
_LETTER_X = re.compile(r"[Xx]")
#: no slot is without one of these, but for `_OWN_SITES` and three of the letter x
_SIGNS = ("<", "[", "{", "'", "your", "/dev/", "yy", "hh:mm", "path/to", "bearer ", "oauth ", "basic ", *_CHANGE_WORDS)


_NAMES_A_VALUE = re.compile(r"_(?:TIME|DATE|ID|NAME|EMAIL|HOST|USER|START|END|TIMESTAMP|KEY|TOKEN|UUID|NUMBER|CODE|VALUE)$")


def _may_be_own_site(text: str) -> bool:
    return "." in text and any(map(text.__contains__, _OWN_SITES))


@lru_cache(maxsize=8192)
def may_hold_slots(text: str) -> bool:
    """Whether a text, or a part of it, may hold a marked slot at all."""
    low = text.lower()
    return any(map(low.__contains__, _SIGNS)) or low.count("x") >= 3 or _may_be_own_site(text)


@lru_cache(maxsize=8192)
def marked_slots(text: str, *, in_shell: bool) -> tuple[tuple[str, SlotKind, int], ...]:
    """Give the slots that are marked as such, with their offsets: `<name>`, `[name]`, `{name}`, your-…, YYYYMMDD, xxx."""
    if not may_hold_slots(text):
        return ()
    low = text.lower()
    found: list[tuple[str, SlotKind, int]] = []
    taken = bytearray(len(text))

    def take(match: re.Match[str], kind: SlotKind, token: str | None = None) -> None:
        start, end = match.span()
        if not any(taken[start:end]):
            taken[start:end] = b"\1" * (end - start)
            found.append((token or match.group(), kind, start))

    for match in ANGLE.finditer(text) if "<" in text else ():
        if not _HTML.match(match.group()):
            take(match, "angle")
    for match in _BRACKET.finditer(text) if "[" in text else ():
        take(match, "bracket")
    for match in (
        (*_BRACKET_CAPS.finditer(text), *(_BRACKET_WORDS.finditer(text) if not text.isascii() else ())) if "[" in text else ()
    ):
        take(match, "bracket")
    for match in _DEVICE.finditer(text) if "/dev/" in text else ():
        take(match, "word")
    for match in _HEADER.finditer(text) if "Bearer " in text or "OAuth " in text or "Basic " in text else ():
        take(match, "word")
    for match in _QUOTED_CAPS.finditer(text) if in_shell and "'" in text else ():
        if _NAMES_A_VALUE.search(match.group()):
            take(match, "word")
    for match in _DATE.finditer(text) if "YY" in text or "HH:MM" in text else ():
        take(match, "date")
    for match in _YOUR.finditer(text) if "your" in low or _may_be_own_site(text) else ():
        take(match, "word")
    for match in _CHANGE_ME.finditer(text) if any(map(low.__contains__, _CHANGE_WORDS)) else ():
        take(match, "word")
    for match in _PATH.finditer(text) if "path/to" in low else ():
        take(match, "word")
    for match in _XXX.finditer(text) if low.count("x") >= 3 else ():
        if len(_LETTER_X.findall(match.group())) >= 3 and match.group().strip():
            take(match, "word")
    if in_shell and "{" in text:
        template = "{." in text or "{range" in text
        for match in _BRACE.finditer(text):
            if not (template and match.group() in ("{end}", "{else}")):
                take(match, "brace")
    found.sort(key=lambda one: one[2])
    return tuple(found)


_HTML = re.compile(
    r"</?(?:br|b|i|em|strong|p|div|span|a|img|table|tr|td|th|ul|ol|li|code|pre|h[1-6]|hr|details|summary|kbd|sub|sup|center|font|thead|tbody|u|s|small|figure|script|style|picture|source|video|iframe|nav|input|label|button|html|body|head|title|meta|svg|path|blockquote)(?=[\s/>])",
    re.IGNORECASE,
)


def capital_words(text: str) -> list[tuple[str, int]]:
    """Give bare words in capitals that stand where an argument is expected (`--id VERSION_ID`, `versionId=VERSION_ID`)."""
    return [(match.group(), match.start()) for match in _CAPS.finditer(text)]
