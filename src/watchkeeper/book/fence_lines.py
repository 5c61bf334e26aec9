"""What kind of line a line of a fence is: shell, SQL, Redis, psql, Python, prose, output … whatever the fence's tag says.

One line goes in (with what came before it), one word comes out. Only the first line of a statement is asked about; where a
statement ends is found elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Literal, TypeAlias

from watchkeeper.book.programs import find, word_set
from watchkeeper.book.risk import knows
from watchkeeper.book.sql import looks_like_sql

LineKind: TypeAlias = Literal[
    "blank", "comment", "shell", "sql", "psql", "redis", "python", "mongodb", "powershell", "numbered", "prose", "cron",
    "http", "output",
]  # fmt: skip

_PROMPTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"^\s*(?:\([\w.-]+\)\s*)?(?:\[?[\w.-]+@[\w.-]+[: ][^\s$#%>\]]*\]?\s*)?[$❯➜]\s+(?=\S)"), "bash"),
    (re.compile(r"^\s*\[?[\w.-]+@[\w.-]+[: ][^\s$#%>\]]*\]?\s*[#%>]\s+(?=\S)"), "bash"),
    (re.compile(r"^\s*(?:ba)?sh(?:-[\d.]+)?[#$]\s+(?=\S)"), "bash"),
    (re.compile(r"^\s*(?:[\w-]+[=-][#>*]|=[#>])\s+(?=\S)"), "sql"),
    (re.compile(r"^\s*(?:mysql|MariaDB \[[^\]]*\]|sqlite|cqlsh[:\w]*|ksql|clickhouse)>\s+(?=\S)"), "sql"),
    (re.compile(r"^\s*(?:\d{1,3}(?:\.\d{1,3}){3}:\d+(?:\[\d+\])?|redis(?:[\w .:-]*))>\s+(?=\S)"), "redis"),
    (re.compile(r"^\s*>>>\s+(?=\S)"), "python"),
    (re.compile(r"^\s*(?:[\w-]+:(?:PRIMARY|SECONDARY)|mongo|mongos|test|admin)>\s+(?=\S)"), "mongodb"),
    (re.compile(r"^\s*PS [^>]*>\s+(?=\S)"), "powershell"),
)
_PROMPT_LIKE = re.compile(r"[$❯➜#%>*]\s")
_CRON = re.compile(r"^\s*(?:@(?:hourly|daily|weekly|monthly|yearly|reboot)|(?:[\d*][\d*/,-]*\s+){4}[\d*A-Za-z][\w*/,-]*)\s+\S")
_NUMBERED = re.compile(r"^\s*(?:\d{1,2}[.)]|\d{1,2}(?:\.\d{1,2})+[.)]?|Step \d+[:.)])\s+(?=\S)")
_BULLET = re.compile(r"^\s*(?:[-*•+✓✔✅❌☐□]|\[[ xX]\])\s+(?=\S)")
_HTTP = re.compile(r"^\s*(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\s+(?:/|https?://)")
_URL = re.compile(r"^\s*(?:https?|ftp|s3|gs|postgres(?:ql)?|redis|mysql|amqp|mongodb(?:\+srv)?)://")
_DRAWN = re.compile(
    r"[\u2500-\u257f\u2190-\u21ff\u2794-\u27bf\u25b6\u25bc\u25b2]|^\s*[|+][-=+|]|-{2,}>|={2,}>|^\s*[-=_*~]{3,}\s*$"
)
#: the same where no sign of a drawing can be
_DRAWN_ASCII = re.compile(r"^\s*[|+][-=+|]|-{2}>|={2}>|^\s*[-=_*~]{3,}\s*$")
_LABEL = re.compile(r"^\s*[A-Z][\w /()-]{0,40}:(?:\s|$)")
_YAML = re.compile(r"^\s*[\w.-]+:(?:\s|$)")
_FIRST = re.compile(r"^\s*(?:[A-Za-z_]\w*=(?:\"[^\"]*\"|'[^']*'|\$\([^)]*\)|[^\s;]*)\s+)*([^\s;|&<>()]+)")
_ASSIGN = re.compile(r"^\s*(?:export\s+|local\s+|declare\s+(?:-\w+\s+)?)?[A-Za-z_]\w*\+?=(?!=|\s)")
_PYTHON = re.compile(
    r"^(?:from\s+[\w.]+\s+import\b|import\s+[\w.]+(?:\s*,|\s+as\b|\s*$)|def\s+\w+\(|class\s+\w+[:(]|with\s+.+:\s*$|for\s+\w+(?:,\s*\w+)*\s+in\s+.+:\s*$|try:\s*$|except\b.*:\s*$|@\w+|print\(|[\w.\[\]'\"]+\s+=\s+\S|(?:[a-z_]\w*\.)+\w+\(|elif\s.+:\s*$|while\s.+:\s*$|if\s+(?!\[).+:\s*$|async\s+def\b|await\s)"
)
#: what Python begins with where it assigns and calls nothing
_PYTHON_FIRST = ("from", "import", "class", "with", "for", "try", "except", "@", "elif", "while", "if", "async", "await")
_MONGO = re.compile(r"^\s*(?:db|rs|sh)\.[A-Za-z]\w*|^\s*show (?:dbs|collections|users)\b|^\s*use \w+\s*;?\s*$")
_PSQL = re.compile(r"^\s*\\(?:[a-z][a-z+]*\+?|[?!])(?:\s|$|;)")
_CMDLET = re.compile(r"^\s*(?:\$\w+\s*=\s*)?[A-Z][a-z]+[A-Za-z]*-[A-Z][A-Za-z]+\b")
_SCRIPT = re.compile(r"^(?:\.{1,2}/|~/|/)[\w./$@+-]+$|^[\w-]+(?:/[\w.-]+)*\.(?:sh|py|pl|rb|js|bash)$")
_BUILTINS = word_set("if for while until case [ [[ (( { ( ! function select then fi done else elif do")
#: programs that are also plain English words: they need something that no sentence has
_ENGLISH = word_set(
    "find watch test make kill time host top split sort cut last who which at more less cat look file service date "
    "free install yes mail scale set export exit "
    "read type wait sleep screen script strings head tail touch link act open code join convert command exec "
    "go pass patch step sync task invoke wall paste expand fold let "
    "history clear break continue return local trap jobs true false host mount init reboot shutdown halt start "
    "stop test id w ip ss nc at ab op age hey http route arch cal pd "
    "migrate alias logout locate tree stat truncate column comm diff factor groups install join line man nice "
    "nl od patch print rev seq shift source umask unset users size "
    "parallel fly just goose safety artillery playwright cypress prisma flux argo temporal restic bun vault "
    "consul nomad packer helm hubble cilium supabase railway vercel snap brew atlas dog newrelic stripe fab "
    "tox curator multitail caddy sequence echo "
    "next net sc nova flask vite puma unicorn knife puppet eb sam cinder glance neutron")  # fmt: skip
_EVIDENCE = re.compile(r"(?:^|\s)-{1,2}\w|[/.=$|*:@\\<>~]\S|\d|[a-z0-9]+[-_][a-z0-9]+|\S=\S|\s\||\|\s")


def prompt(line: str) -> tuple[str, str] | None:
    """Take a prompt off a line: (language, what was typed); None where there is none."""
    # the most common sign of one begins a comment, and no prompt
    if not _PROMPT_LIKE.search(line) or line.lstrip().startswith("#"):
        return None
    for pattern, language in _PROMPTS:
        found = pattern.match(line)
        if found:
            typed = line[found.end() :]
            if language == "sql" and not (looks_like_sql(typed) or typed.startswith("\\") or typed.endswith(";")):
                continue
            if language == "mongodb" and not _MONGO.match(typed):
                continue
            return language, typed
    return None


@cache
def redis_words() -> frozenset[str]:
    """Give the verbs of redis-cli, in capitals."""
    program = find("redis-cli")
    patterns = [pattern for _, group in program.risks for pattern in group] if program else []
    words = {pattern.words[0].upper() for pattern in patterns if pattern.words}
    return frozenset(
        words
        - {
            "TIME",
            "TYPE",
            "TOUCH",
            "COPY",
            "WAIT",
            "WATCH",
            "EXEC",
            "SELECT",
            "MOVE",
            "COMMAND",
            "HELLO",
            "ROLE",
            "ECHO",
            "SORT",
            "SAVE",
            "RESTORE",
            "SET",
        }
    ) | {"SET", "SAVE", "ROLE", "TYPE"}


def first_word(line: str) -> str:
    """Give the first word that is no assignment."""
    found = _FIRST.match(line)
    return found.group(1) if found else ""


def is_redis(line: str) -> bool:
    """Say whether a line is a command typed at a Redis prompt."""
    words = line.split()
    if not words or words[0] not in redis_words():
        return False
    if words[0] == "SET":
        return len(words) >= 3 and "=" not in line and not looks_like_sql(line)
    return not looks_like_sql(line) and not _HTTP.match(line) and (len(words) < 8)


#: a message in quotes, perhaps over several lines
_ONLY_QUOTED = re.compile(r"(?:\"[^\"]*\s[^\"]*\"?|'[^']*\s[^']*'?)\s*$")
#: what a database is reached by: `Server=db;User Id=shop;Password=…;`
_CONNECTION = re.compile(r"(?:[A-Za-z][A-Za-z ]{1,30}=[^;=]+;\s*){2,}(?:[A-Za-z][A-Za-z ]{1,30}=[^;]*;?)?\s*$")
#: a program below the folder one stands in, with an option: `scripts/restore-test --dry-run`
_PATH_CALL = re.compile(r"(?:[\w.-]+/)+[\w.-]*[A-Za-z][\w.-]*(?:\s+[\w./-]+)*\s+--?[a-z]")


def startable(line: str, *, strict: bool) -> bool:
    """Say whether a line would start a program; `strict` where nothing else says that it is shell."""
    text = line.strip()
    if not text or _URL.match(text):
        return False
    word = first_word(text)
    bare = word.strip("'\"")
    if (text[0] in "\"'" and _ONLY_QUOTED.match(text)) or _CONNECTION.match(text):
        return False
    if _PATH_CALL.match(text):
        return True
    if _ASSIGN.match(text):
        return not strict or (
            bool(re.match(r"^\s*(?:export\s+)?[A-Za-z_]\w*=\S", text)) and " " not in text.split("=", 1)[0].replace("export ", "")
        )
    if not bare:
        return text.startswith(("(", "{")) and not strict
    if bare in _BUILTINS:
        return not strict or bool(re.search(r"\]|;|\bdo\b|\bthen\b", text))
    name = bare.rsplit("/", 1)[-1]
    if _SCRIPT.match(bare):
        if strict and not (knows(name) or "." in name or "/bin/" in bare or bare.startswith("./")):
            return False
        return not (strict and bare.startswith("/") and " " not in text and "." not in name and not knows(name))
    if knows(name):
        if name in _ENGLISH and (strict or text[0].isupper()):
            rest = text[text.find(bare) + len(bare) :]
            return bool(_EVIDENCE.search(rest)) or (
                not rest.strip()
                and name
                not in (
                    "test",
                    "make",
                    "install",
                    "more",
                    "look",
                    "file",
                    "which",
                    "type",
                    "read",
                    "open",
                    "command",
                    "service",
                    "set",
                    "scale",
                )
            )
        return True
    if bare == text and "_" in bare and "." not in bare:
        return False
    if strict or not re.match(r"^[A-Za-z0-9_.$~/@%+{<\[\"'\\-]", bare):
        return False
    return not is_sentence(text)


_SENTENCE = re.compile(r"^[A-Z][a-z]+(?:'[a-z]+)?(?:\s+[\w'’(),/&-]+){1,}[.:]?$")


def is_sentence(text: str) -> bool:
    """Say whether a line reads like prose rather than like a command."""
    if _LABEL.match(text) or (re.search(r"[a-z]\.\s+[A-Z]|[a-z]\.$", text) and " -" not in text):
        return True
    return bool(_SENTENCE.match(text)) and not re.search(r"(?:^|\s)-{1,2}[a-z]", text)


_CONFIGURATION = re.compile(r"^[^()=|&;$#'\"<>{}]+\s\{$")


def opens_configuration(text: str) -> bool:
    """Say whether a line opens a block of a configuration file (`server {`, `/var/log/*.log {`)."""
    return (
        text.endswith("{")
        and bool(_CONFIGURATION.match(text))
        and text.split()[0] not in ("function", "do", "then", "else", "if", "while", "for")
    )


#: a query of metrics: `sum by (job) (rate(http_requests_total[5m]))`
_QUERY = re.compile(
    r"(?:sum|avg|min|max|count|topk|bottomk|rate|irate|increase|histogram_quantile|absent|predict_linear|delta|deriv)"
    r"(?:\s+(?:by|without)\s*\([^()]*\))?\s*\((?=.*(?:\[\d+[smhdw]\]|\w\{|=~?\"))"
)
_PYTHON_BLOCK = re.compile(r"^(?:for|if|while|with|try|else|elif)\b.*:\s*$")


@lru_cache(maxsize=8192)
def kind_of_line(line: str, *, strict: bool, before: LineKind | None) -> LineKind:
    """Sort the first line of a statement."""
    text = line.strip()
    if not text:
        return "blank"
    if text.startswith("#") or (text.startswith(("//", "-- ", "/*")) or text == "--"):
        return "comment"
    if _CRON.match(text) and not re.match(r"^\d+\s+\d+\s+\d+\s+\d+\s+\d", text):
        return "cron"
    if _HTTP.match(text):
        return "http"
    if opens_configuration(text) or _QUERY.match(text):
        return "output"
    if _NUMBERED.match(line):
        return "numbered"
    if _PSQL.match(text):
        return "psql"
    if looks_like_sql(text):
        return "sql"
    if is_redis(text) and not (before == "shell" and strict and not text.isupper()):
        return "redis"
    if _MONGO.match(text):
        return "mongodb"
    if _CMDLET.match(text):
        return "powershell"
    if _BULLET.match(line) and not text.startswith("- -"):
        return "numbered" if strict or " " in text else "prose"
    if (
        (text.startswith(_PYTHON_FIRST) or "=" in text or "(" in text)
        and _PYTHON.match(text)
        and not _ASSIGN.match(text)
        and first_word(text) not in ("if", "for", "while")
    ):
        return "python"
    if _PYTHON_BLOCK.match(text) and "; " not in text:
        return "python"
    if (_DRAWN_ASCII if text.isascii() else _DRAWN).search(text) and not startable(text, strict=True):
        return "prose"
    if startable(text, strict=strict):
        return "shell"
    if _table_like(line) or (strict and before in ("shell", "output")):
        return "output"
    return "prose"


_COLUMNS = re.compile(r"\S\s{2,}\S+\s{2,}\S")


def _table_like(line: str) -> bool:
    return bool(_COLUMNS.search(line)) and " -" not in line


def numbered_text(line: str) -> str:
    """Take the number or the bullet off."""
    found = _NUMBERED.match(line) or _BULLET.match(line)
    return line[found.end() :].strip() if found else line.strip()


#: a pipe or a call of a method goes on with the line before; a path (`./x`, `.\x`) does not
_GOES_ON = re.compile(r"\||\.[A-Za-z_]\w*\s*\(")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


def balanced(lines: Sequence[str], position: int, longest: int = 200) -> int:
    """Give the index after a statement that may go on in brackets, after a pipe, a comma or a backtick."""
    depth = 0
    for end in range(position, min(len(lines), position + longest)):
        text = _QUOTED.sub("", lines[end])
        depth += sum(text.count(char) for char in "({[") - sum(text.count(char) for char in ")}]")
        following = lines[end + 1].strip() if end + 1 < len(lines) else ""
        if depth <= 0 and not lines[end].rstrip().endswith(("`", "|", ",")) and not _GOES_ON.match(following):
            return end + 1
    return position + 1
