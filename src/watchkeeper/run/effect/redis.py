"""Redis: keys and queue lengths that would go, previous values of what would be set."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from watchkeeper.book.programs import find, word_set
from watchkeeper.book.syntax import Word
from watchkeeper.run.effect.combine import combine
from watchkeeper.run.effect.model import Answers, Effect, Look, Seen, plain, unseen
from watchkeeper.run.effect.place import Place
from watchkeeper.run.effect.words import counted, json_in, listed, one_line, sentence

NO_WAY = "No way back: what Redis has forgotten comes back only from a backup."
#: most keys that are looked through for queues, so that the server is never held up
_SCANNED = 20_000
_QUEUES = (
    "local found, cursor, seen = {}, '0', 0 repeat local page = redis.call('SCAN', cursor, 'COUNT', 1000) cursor = page[1] "
    "for _, key in ipairs(page[2]) do seen = seen + 1 if redis.call('TYPE', key).ok == 'list' then "
    "found[#found + 1] = {key, redis.call('LLEN', key)} end end "
    f"until cursor == '0' or seen >= {_SCANNED} return cjson.encode({{lists = found}})"
)
_KEYS = (
    "local found = {} for _, key in ipairs(KEYS) do local kind = redis.call('TYPE', key).ok "
    "local row = {key = key, kind = kind, ttl = redis.call('PTTL', key)} "
    "if kind == 'list' then row.many = redis.call('LLEN', key) end "
    "if kind == 'string' and redis.call('STRLEN', key) <= 4096 then row.value = redis.call('GET', key) end "
    "found[#found + 1] = row end return cjson.encode(found)"
)
_FIELD = "return cjson.encode({redis.call('HEXISTS', KEYS[1], ARGV[1]), redis.call('HGET', KEYS[1], ARGV[1])})"
_FLAGS = word_set("--askpass --tls --insecure --no-auth-warning -c -2 -3")


@dataclass(frozen=True, slots=True)
class _Client:
    ask: Callable[[Sequence[str]], Look]
    do: Callable[[Sequence[str]], str]
    language: str
    database: str = "0"


def of_lines(text: str) -> Effect | None:
    """Give the effect of Redis words that stand by themselves."""
    client = _Client(lambda words: Look(_line(words), "redis"), _line, "redis")
    found = [effect for line in text.splitlines() if line.strip() and (effect := _of_words(line.split(), client)) is not None]
    return combine(found) if found else None


def _line(words: Sequence[str]) -> str:
    """Give words as redis-cli reads them from its standard input."""
    return " ".join(word if re.fullmatch(r"[\w:.*/-]+", word) else json.dumps(word, ensure_ascii=False) for word in words)


def of_place(place: Place) -> Effect | None:
    """Give the effect of redis-cli with its words or with what it is fed."""
    options, words = _split(place)

    def spoken(given: Sequence[str]) -> str:
        return place.script(place.own(*options, *given))

    database = next((place.texts[n + 1] for n, text in enumerate(place.texts[:-1]) if text == "-n"), "0")
    client = _Client(lambda given: Look(spoken(given)), spoken, "bash", database)
    if place.through_xargs:
        return _piped(place, words)
    if not all(word.static for word in words):
        return None
    texts = [word.text for word in words]
    if not texts and place.call.stdin == "text":
        lines = [line.split() for line in re.split(r"\\r\\n|\\n|[\r\n]", place.call.stdin_text) if line.strip()]
        found = [effect for line in lines if (effect := _of_words(line, client)) is not None]
        return combine(found) if found else None
    return _of_words(texts, client) if texts else None


def _split(place: Place) -> tuple[list[Word], list[Word]]:
    """Give the options of the connection, and the words of the command."""
    program = find("redis-cli")
    takes = (program.values if program else frozenset()) | {"--user", "--pass", "--cacert", "--cert", "--key", "--sni"}
    options: list[Word] = []
    position = 0
    while position < len(place.words) and place.words[position].text.startswith("-"):
        word = place.words[position]
        position += 1
        if word.text in ("-x", "--raw", "--no-raw", "--csv", "--json"):
            continue
        options.append(word)
        if word.text in takes - _FLAGS and position < len(place.words):
            options.append(place.words[position])
            position += 1
    return options, list(place.words[position:])


def _piped(place: Place, words: Sequence[Word]) -> Effect | None:
    """`… --scan --pattern X | xargs redis-cli del`: count what the first part gives."""
    verb = words[0].text.upper() if words else ""
    if verb not in ("DEL", "UNLINK") or not place.call.fed_by:
        return None
    lead = place.levels[-1].lead
    look = Look(f"{lead}{place.call.fed_by} | wc -l") if len(place.levels) == 1 else None
    if look is None:
        return None

    def read(answers: Answers) -> Seen:
        number = re.search(r"\d+", answers[0].output)
        if not answers[0].ok or number is None:
            return unseen(answers[0])
        some = "some" if int(number[0]) else "none"
        return Seen(f"Deletes {counted(int(number[0]), 'key')}.", f"del {place.call.fed_by} {some}", int(number[0]))

    def happened(before: Any, now: Seen) -> bool | None:
        return True if before and now.before == 0 else None

    return Effect(read, (look,), happened=happened, no_way_back=NO_WAY)


def _of_words(words: list[str], client: _Client) -> Effect | None:
    verb = words[0].upper()
    if verb in ("FLUSHALL", "FLUSHDB"):
        return _flush(verb, client)
    if verb in ("DEL", "UNLINK") and len(words) > 1:
        return _delete(words[1:], client)
    if verb == "LTRIM" and len(words) == 4:
        return _trim(words[1:], client)
    if verb == "SET" and len(words) == 3:
        return _set(words[1], words[2], client)
    if verb == "HSET" and len(words) == 4:
        return _field(words[1], words[2], words[3], client)
    if verb == "CONFIG" and len(words) == 4 and words[1].upper() == "SET":
        return _config(words[2], words[3], client)
    return None


def _flush(verb: str, client: _Client) -> Effect:
    looks = (client.ask(["INFO", "keyspace"]), client.ask(["EVAL", _QUEUES, "0"]))

    def read(answers: Answers) -> Seen:
        if not answers[0].ok or "ERR" in answers[0].output[:5] or "keyspace" not in answers[0].output.lower():
            return unseen(answers[0])
        keys = {number: int(many) for number, many in re.findall(r"^db(\d+):keys=(\d+)", answers[0].output, re.MULTILINE)}
        if verb == "FLUSHDB":
            keys = {number: many for number, many in keys.items() if number == client.database}
        queues = json_in(answers[1].output) if answers[1].ok else None
        lists = {str(name): int(many) for name, many in (queues or {}).get("lists") or []} if isinstance(queues, dict) else {}
        told = [f"deletes {counted(many, 'key')} in database {number}" for number, many in sorted(keys.items())]
        told += [f"among them {counted(sum(lists.values()), 'entry', 'entries')} in {counted(len(lists), 'queue')} ({named})"
            for named in [listed(f"{name}: {many:,}" for name, many in sorted(lists.items()))] if lists]  # fmt: skip
        scope = f"{verb} {' '.join(sorted(keys))} {' '.join(sorted(lists)[:20])}"
        return Seen(sentence(told or ["there is nothing to delete"]), scope, {"keys": sum(keys.values())})

    def happened(before: Any, now: Seen) -> bool | None:
        return True if before and before["keys"] > 0 and now.before and now.before["keys"] == 0 else None

    return Effect(read, looks, happened=happened, no_way_back=NO_WAY)


def _rows(answer: Any) -> list[dict[str, Any]] | None:
    found = json_in(answer.output) if answer.ok else None
    if found == {}:
        return []
    return found if isinstance(found, list) and all(isinstance(row, dict) for row in found) else None


def _delete(keys: list[str], client: _Client) -> Effect:
    look = client.ask(["EVAL", _KEYS, str(len(keys)), *keys])

    def read(answers: Answers) -> Seen:
        rows = _rows(answers[0])
        if rows is None:
            return unseen(answers[0])
        there = [row for row in rows if row["kind"] != "none"]
        told = [f"deletes {counted(len(there), 'key')}"]
        told += [f"{row['key']}: {counted(row['many'], 'entry', 'entries')}" for row in there if row["kind"] == "list"]
        gone = [row["key"] for row in rows if row["kind"] == "none"]
        patterns = [key for key in gone if set(key) & set("*?[")]
        told += [f"{listed(patterns)} names nothing: DEL takes names, not patterns"] if patterns else []
        told += [f"there is no {listed(key for key in gone if key not in patterns)}"] if set(gone) - set(patterns) else []
        return Seen(sentence(told), f"del {' '.join(row['key'] + ':' + row['kind'] for row in rows)}", there)

    def undo(before: Any) -> str | None:
        if len(before) != 1 or before[0]["kind"] != "string" or "value" not in before[0] or before[0]["ttl"] != -1:
            return None
        return client.do(["SET", before[0]["key"], before[0]["value"]])

    def happened(before: Any, now: Seen) -> bool | None:
        return True if before and now.before == [] else None

    return Effect(read, (look,), undo, happened, NO_WAY, client.language)


def _trim(words: list[str], client: _Client) -> Effect | None:
    key, low, high = words
    if not all(re.fullmatch(r"-?\d+", bound) for bound in (low, high)):
        return None
    look = client.ask(["LLEN", key])

    def read(answers: Answers) -> Seen:
        number = re.search(r"\d+", answers[0].output)
        if not answers[0].ok or number is None or "ERR" in answers[0].output or "WRONGTYPE" in answers[0].output:
            return unseen(answers[0])
        many = int(number[0])
        start, stop = (int(bound) + many if int(bound) < 0 else int(bound) for bound in (low, high))
        kept = max(0, min(stop, many - 1) - max(start, 0) + 1)
        text = f"Deletes {counted(many - kept, 'entry', 'entries')} of {key} and keeps {kept:,}."
        return Seen(text, f"ltrim {key} {low} {high}", {"many": many, "kept": kept})

    return Effect(read, (look,), no_way_back=NO_WAY)


def _set(key: str, value: str, client: _Client) -> Effect:
    look = client.ask(["EVAL", _KEYS, "1", key])

    def read(answers: Answers) -> Seen:
        rows = _rows(answers[0])
        if not rows:
            return unseen(answers[0])
        row = rows[0]
        old = row.get("value", f"a {row['kind']}") if row["kind"] != "none" else "nothing"
        return Seen(f"{key} {one_line(str(old), 60)} → {one_line(value, 60)}.", f"set {key} {row['kind']} {old} → {value}", row)

    def undo(before: Any) -> str | None:
        if before["kind"] == "none":
            return client.do(["DEL", key])
        if before["kind"] != "string" or "value" not in before:
            return None
        expiry = ["PX", str(before["ttl"])] if before["ttl"] > 0 else []
        return client.do(["SET", key, before["value"], *expiry])

    def happened(before: Any, now: Seen) -> bool | None:
        if before and now.before and before.get("value") != value and now.before.get("value") == value:
            return True
        return None

    return Effect(read, (look,), undo, happened, "No way back: the previous value is not a short text.", client.language)


def _field(key: str, field: str, value: str, client: _Client) -> Effect:
    look = client.ask(["EVAL", _FIELD, "1", key, field])

    def read(answers: Answers) -> Seen:
        found = json_in(answers[0].output) if answers[0].ok else None
        if not isinstance(found, list) or len(found) != 2:
            return unseen(answers[0])
        old = str(found[1]) if found[0] else "nothing"
        return Seen(f"{key} {field} {one_line(old, 60)} → {one_line(value, 60)}.", f"hset {key} {field} {old} → {value}", found)

    def undo(before: Any) -> str:
        return client.do(["HSET", key, field, str(before[1])] if before[0] else ["HDEL", key, field])

    def happened(before: Any, now: Seen) -> bool | None:
        return True if before and now.before and before[1] != value and now.before[1] == value else None

    return Effect(read, (look,), undo, happened, language=client.language)


def _config(name: str, value: str, client: _Client) -> Effect | None:
    if "*" in name or re.search(r"pass|auth", name, re.IGNORECASE):
        return plain(f"Sets {name}.", no_way_back="No way back: the previous value may be a secret and is not kept.")
    look = client.ask(["CONFIG", "GET", name])

    def read(answers: Answers) -> Seen:
        lines = [re.sub(r'^\d+\) "(.*)"$', r"\1", line.strip()) for line in answers[0].output.splitlines()]
        if not answers[0].ok or len(lines) < 2 or lines[0].lower() != name.lower():
            return unseen(answers[0])
        return Seen(f"{name} {lines[1]} → {value}, until the server restarts.", f"{name} {lines[1]} → {value}", lines[1])

    def happened(before: Any, now: Seen) -> bool | None:
        return True if now.before == value and before != value else None

    return Effect(
        read, (look,), lambda before: client.do(["CONFIG", "SET", name, str(before)]), happened, language=client.language
    )
