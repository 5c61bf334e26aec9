"""Restores: what would be overwritten, and how old the backup is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from watchkeeper.book.programs import word_set
from watchkeeper.run.effect.clients import client_of
from watchkeeper.run.effect.files import plain_words
from watchkeeper.run.effect.model import Answer, Answers, Effect, Look, Seen, unseen
from watchkeeper.run.effect.place import Place, Said, said
from watchkeeper.run.effect.words import age, counted, json_in, sentence, size

_VALUES = word_set(
    "-d --dbname -h --host -p --port -U --username -j --jobs -n --schema -t --table -F --format -L --use-list -f --file"
)
OVER = "No way back: what is overwritten is gone unless it is dumped first."
_DUMPED = re.compile(r"\.(?:sql|dump|bak|backup|tar|gz|zst|bz2|xz|rdb|tgz)\b", re.IGNORECASE)
_TABLES = (
    "SELECT json_build_object('name', current_database(), 'bytes', pg_database_size(current_database()), "
    "'tables', (SELECT count(*) FROM pg_stat_user_tables), 'rows', (SELECT sum(n_live_tup) FROM pg_stat_user_tables))"
)
_MYSQL_TABLES = (
    "SELECT JSON_OBJECT('name', DATABASE(), 'tables', COUNT(*), 'rows', SUM(table_rows), "
    "'bytes', SUM(data_length + index_length)) "
    "FROM information_schema.tables WHERE table_schema = DATABASE()"
)


def replay(place: Place) -> Effect | None:
    """`psql db < FILE`, `mysql db < FILE`, `… | psql db`: a client that is fed a file or a pipe."""
    client = client_of(place)
    if client is None or place.call.stdin not in ("file", "pipe"):
        return None
    here = place.levels[-1].lead
    file = place.call.stdin_text if place.call.stdin == "file" else _named_in(place.call.fed_by)
    looks = [client.ask(_TABLES if client.dialect == "postgres" else _MYSQL_TABLES)]
    if len(place.levels) == 1 and file and not re.search(r"[$`*?]", file):
        looks.append(Look(f"{here}{_aged(file)}"))
    return _over(looks, file or "what is piped into it", client.dialect)


def pg_restore(place: Place) -> Effect | None:
    """`pg_restore -d DB FILE`: the list of what is in the file, and the database that it would go over."""
    database = place.arguments.value("-d", "--dbname") or ""
    files = plain_words(place, _VALUES)
    if len(files) != 1:
        return None
    kept = place.pick(frozenset({"-h", "--host", "-p", "--port", "-U", "--username"}))
    target = place.pick(frozenset({"-d", "--dbname"}))
    words: list[Said] = ["-X", "-A", "-t", "-q", "-c", "BEGIN READ ONLY", *kept, *target, "-c", _TABLES]
    psql = " ".join(["psql", *map(said, words)])
    looks = [
        Look(place.script(psql)),
        Look(place.script(_aged(files[0]))),
        Look(place.script(place.own("-l", *files))),
    ]
    cleans = any(word.text in ("-c", "--clean", "-C", "--create") for word in place.words)
    return _over(looks, files[0].text, "postgres", database, cleans)


def script(place: Place) -> Effect | None:
    """A script called restore: nothing is known of it but the age of the file that it is given."""
    files = [word for word in place.words if _DUMPED.search(word.text)]
    if len(files) != 1:
        return None
    look = Look(place.script(_aged(files[0])))

    def read(answers: Answers) -> Seen:
        told = _told_age(answers[0], files[0].text)
        front = f"What {place.name} would overwrite is not known"
        return Seen(sentence([front, told]), f"{place.name} {place.texts} {'there' if answers[0].ok else 'missing'}")

    return Effect(read, (look,), no_way_back=OVER)


def _named_in(text: str) -> str:
    """Give the one file that a pipe begins with."""
    found = [word for word in text.replace("|", " ").split() if _DUMPED.search(word)]
    return found[0] if len(found) == 1 else ""


def _aged(file: Said) -> str:
    return " ".join(["stat", "-c", said("%s %Y"), "--", said(file), "&&", "date", "+%s"])


def _told_age(answer: Answer, file: str) -> str:
    found = re.findall(r"^(\d+)(?: (\d+))?$", answer.output, re.MULTILINE)
    if not answer.ok or len(found) != 2:
        return f"{file} is not there"
    return f"{file} is {size(int(found[0][0]))} and {age(int(found[1][0]) - int(found[0][1]))} old"


def _over(looks: Sequence[Look], file: str, dialect: str, database: str = "", cleans: bool = False) -> Effect:
    def read(answers: Answers) -> Seen:
        found: Any = json_in(answers[0].output) if answers[0].ok else None
        if not isinstance(found, dict):
            return unseen(answers[0])
        name = found.get("name") or database
        told = [f"goes over {name}: {counted(found.get('tables') or 0, 'table')}, about {counted(found.get('rows') or 0, 'row')}"
            f" ({size(found.get('bytes') or 0)})"]  # fmt: skip
        there = ""
        if len(answers) > 1:
            told.append(_told_age(answers[1], file))
            there = "there" if answers[1].ok else "missing"
        if len(answers) > 2:
            entries = re.findall(r"^\d+; .* TABLE DATA \S+ (\S+)", answers[2].output, re.MULTILINE)
            told.append(f"the file holds {counted(len(entries), 'table')}" if answers[2].ok else "the file cannot be read")
            told.append("what is there is dropped first" if cleans else "what is there stays and is added to")
        full = "full" if found.get("tables") else "empty"
        return Seen(sentence(told), f"restore {dialect} {name} {full} {file} {there}")

    return Effect(read, tuple(looks), no_way_back=OVER)
