"""What an SQL client is told to do: its words and what it is fed go in; a risk with the sentence why comes out.

Statements given by option, by word or on standard input are judged as SQL, meta commands of psql and sqlite by themselves;
what lies in a file or comes out of another program is unknown or replays over the database. "It only opens a session" is
said only where no word could be a statement.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from watchkeeper.book.programs import word_set
from watchkeeper.book.sql import assess_sql
from watchkeeper.book.verdicts import Judged, by_table, worst

#: SQL client -> options that carry a statement, options that name a file
SQL_CLIENTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "psql": (("-c", "--command"), ("-f", "--file")), "mysql": (("-e", "--execute", "--init-command"), ()),
    "mariadb": (("-e", "--execute", "--init-command"), ()),
    "clickhouse-client": (("-q", "--query"), ("--queries-file",)), "clickhouse": (("-q", "--query"), ("--queries-file",)),
    "cqlsh": (("-e", "--execute"), ("-f", "--file")),
    "sqlcmd": (("-Q", "-q", "--query"), ("-i",)), "snowsql": (("-q", "--query"), ("-f",)),
    "trino": (("--execute",), ("-f", "--file")),
    "sqlite3": (("-cmd",), ("-init",)),
    "usql": (("-c", "--command"), ("-f", "--file")), "cockroach": (("-e", "--execute"), ("-f", "--file")),
    "mycli": (("-e", "--execute"), ()),
    "pgcli": (("-c",), ()), "duckdb": (("-c", "-cmd", "-s"), ("-init", "-f")),
    "presto": (("--execute",), ("-f", "--file")), "influx": (("-execute",), ()), "beeline": (("-e",), ("-f",)),
    "hive": (("-e",), ("-f",)), "gitlab-psql": (("-c", "--command"), ("-f", "--file")), "gitlab-rails": ((), ()),
    "sqlplus": ((), ()), "vsql": (("-c",), ("-f",)), "ysqlsh": (("-c", "--command"), ("-f", "--file")),
}  # fmt: skip
#: letters that take a value, by family; in a bundle such as `-qAtc` the first of them ends it
_LETTERS = {
    "psql": "dhpUvFRTPoL", "mysql": "uhPDS", "sqlcmd": "SUPdosvwht", "cqlsh": "upk", "beeline": "unpd", "hive": "hd",
    "clickhouse": "hud", "influx": "", "sqlite3": "", "duckdb": "",
}  # fmt: skip
_FAMILY = {
    "gitlab-psql": "psql", "vsql": "psql", "ysqlsh": "psql", "usql": "psql", "pgcli": "psql", "mariadb": "mysql",
    "mycli": "mysql",
    "clickhouse-client": "clickhouse",
}  # fmt: skip
_LONG_VALUES = word_set(
    "--host --port --username --dbname --user --database --password --output --set --variable --keyspace --server --catalog "
    "--schema --account --warehouse --socket --defaults-file --defaults-extra-file --login-path --protocol --url --format "
    "--certs-dir --separator --log-file --tee -database -port -host -separator -username -password -format"
)
#: verbs after which the client takes statements
_SESSIONS = frozenset({"sql", "client", "v1"})


@dataclass(slots=True)
class Told:
    """What a client was given: statements, files, and the words that are neither."""

    code: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    #: files that its output goes to
    written: list[str] = field(default_factory=list)


_OUTPUTS = word_set("-o --output -L --log-file --tee")
#: clients to which `-o` or `-L` means something else
_OUTPUT_IS_OTHER = word_set("sqlite3 duckdb cqlsh clickhouse-client clickhouse influx beeline hive trino presto cockroach")


def _whole(option: str, known: Sequence[str]) -> str:
    """Give the option that a shortened one stands for; most clients allow it."""
    if not option.startswith("--") or len(option) < 4 or option in known or option in _LONG_VALUES:
        return option
    return next((one for one in known if one.startswith(option)), option)


def told_to(name: str, texts: Sequence[str]) -> Told:
    """Sort the words of a client into statements, files, other words and options.

    >>> told_to("psql", ["-qAtc", "SELECT 1", "shop"]).code, told_to("mysql", ["-BNe", "SHOW TABLES"]).code
    (['SELECT 1'], ['SHOW TABLES'])
    """
    statements, files = SQL_CLIENTS[name]
    letters = _LETTERS.get(_FAMILY.get(name, name), "dhpuU")
    told = Told()
    position = 0

    def take(option: str, value: str | None) -> None:
        nonlocal position
        if value is None:
            value = texts[position] if position < len(texts) else ""
            position += 1
        if option in statements:
            told.code.append(value)
        elif option in files or (option in _OUTPUTS and value.lstrip().startswith("|")):
            told.files.append(value)
        elif option in _OUTPUTS and name not in _OUTPUT_IS_OTHER and value not in ("/dev/null", "-", "/dev/stdout"):
            told.written.append(value)

    while position < len(texts):
        text = texts[position]
        position += 1
        if len(text) < 2 or text[0] != "-":
            told.words.append(text)
            continue
        option, equals, value = text.partition("=")
        option = _whole(option, (*statements, *files))
        if option in statements or option in files or option in _LONG_VALUES:
            take(option, value if equals else None)
            continue
        told.options.append(option)
        if text.startswith("--"):
            continue
        for number, letter in enumerate(text[1:], 1):
            if f"-{letter}" in statements or f"-{letter}" in files or letter in letters:
                take(f"-{letter}", text[number + 1 :] or None)
                break
            if not letter.isalnum() or (letter == "p" and _FAMILY.get(name, name) == "mysql"):
                break
    return told


def judge_client(name: str, texts: Sequence[str], stdin: str | None, stdin_text: str) -> Judged:
    """Judge an SQL client with its words and what it is fed."""
    told = told_to(name, texts)
    code = list(told.code)
    if name in ("sqlite3", "duckdb"):
        code += told.words[1:]
    elif name in ("clickhouse", "influx", "cockroach", "gitlab-rails") and told.words and told.words[0] not in _SESSIONS:
        return by_table(name, texts)
    if stdin == "text" and stdin_text.strip():
        code.append(stdin_text)
    judged = [assess_typed(part) for part in code]
    judged += [_file(name, file) for file in told.files]
    judged += [("change", f"{name} writes {file}.") for file in told.written]
    if any(word.startswith("@") for word in told.words):
        judged.append(("unknown", f"What is in the script that {name} runs is not known."))
    if code or told.files or any(word.startswith("@") for word in told.words):
        return worst(judged)
    if stdin == "file":
        return "destroy", f"{name} replays {stdin_text} over what is in the database."
    if stdin == "pipe":
        return "destroy", f"{name} replays what is piped into it over what is in the database."
    if any(_statement_like(word) for word in told.words):
        return "unknown", f"What {name} is given is not known."
    return worst(judged) if judged else ("read", f"{name} only opens a session.")


def _statement_like(word: str) -> bool:
    if re.fullmatch(r"\s*[\w.]+\s*=\s*\S*(?:\s+[\w.]+\s*=\s*\S*)*\s*", word) or re.match(r"[a-z+]+://\S*$", word):
        return False
    return bool(re.search(r"\s|;", re.sub(r"<[^<>]*>|\[[^\[\]]*\]|\{[^{}]*\}", "x", word))) or bool(
        re.search(r"\.(?:sql|gz|dump|bak|bz2|zst)\b", word)
    )


def _file(name: str, source: str) -> Judged:
    if re.search(r"backup|dump|restore|latest|snapshot", source, re.IGNORECASE):
        return "destroy", f"{name} replays {source} over what is in the database."
    return "unknown", f"What is in {source} is not known."


_META_READ = re.compile(
    r"\\(?:d\S*|l\+?|x|timing|conninfo|c|connect|pset|q|z|sf\+?|sv\+?|encoding|echo|\?|h|watch|set|a|t|errverbose|unset|prompt|"
    r"copy\s+(?:\(.*\)|\S+(?:\s*\([^()]*\))?)\s+to\s+p?stdout\b.*)(?:\s|$|\+)",
    re.IGNORECASE | re.DOTALL,
)
_META_INSIDE = re.compile(r"\\(?:gexec\b|!|ir?\s|include|copy\b|[ow]\s|setenv\b|g\s*[^\s;]|out\b|write\b|lo_\w+)")


def assess_typed(text: str) -> Judged:
    """Judge what is typed at a client: lines of meta commands by themselves, everything else as SQL."""
    metas: list[str] = []
    rest: list[str] = []
    for line in text.split("\n"):
        begins = line.lstrip()
        if begins.startswith("\\") or (begins[:1] == "." and re.match(r"\.[a-z]+\b", begins)):
            metas.append(line)
        else:
            rest.append(line)
    sql = "\n".join(rest)
    judged = [assess_meta(line) for line in metas]
    if _META_INSIDE.search(sql):
        judged.append(("unknown", "A command of the client stands within the SQL."))
    sql = sql if "\\" not in sql else re.sub(r"\\(?:gx|gset|g|watch\s*[\d.]*|crosstabview|G)[ \t]*;?(?=\s|$)", ";", sql)
    if sql.strip(" \t\n;"):
        judged.append(assess_sql(sql))
    return worst(judged)


def assess_meta(text: str) -> Judged:
    """Judge a meta command of psql (`\\d`) or of sqlite (`.tables`)."""
    word = text.strip()
    first = word.split()[0] if word else "it"
    if re.search(r"\b(?:delete|update|insert|drop|truncate|program|exec|gexec)\b|`|\\!|\|", word, re.IGNORECASE):
        return "unknown", f"What {first} is given is not judged."
    if re.match(r"\.(?:tables|schema|databases|indexes|indices|mode|headers|dump|quit|exit|timer|stats)\b", word):
        return "read", f"{first} only shows."
    if re.search(r"\S\s+\\[a-z]", word) and not re.match(r"\\(?:x|t|a|timing|pset)\b", word):
        return "unknown", "Several meta commands stand on one line."
    if len(parts := re.split(r"\s+(?=\\)", word)) > 1:
        return worst([assess_meta(part) for part in parts])
    if re.match(r"\\set\s+\w+\s+.*[;()]", word, re.DOTALL):
        return "unknown", r"What \set puts into the statements after it is not judged."
    if _META_READ.match(word):
        return "read", f"{first} only shows."
    if re.match(r"\\copy\b.*\bto\s+(?!program)\S", word, re.IGNORECASE | re.DOTALL):
        return "change", r"\copy … to writes a file."
    if re.match(r"\\copy\b.*\bfrom\b", word, re.IGNORECASE | re.DOTALL):
        return "change", r"\copy … from loads rows."
    return "unknown", f"No rule knows {first}."
