"""Files: what and how much would go, what would be overwritten, and how a rewrite would read."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any

from watchkeeper.book.syntax import Word
from watchkeeper.run.effect.model import Answer, Answers, Effect, Look, Seen, plain, unseen
from watchkeeper.run.effect.place import Place, Said, said
from watchkeeper.run.effect.words import counted, listed, one_line, sentence, size

GONE = "No way back: what is deleted comes back only from a backup."
OVER = "No way back: what is overwritten comes back only from a backup."
#: what lies under the paths that follow, and how much it is; `--` keeps any of them from being an option
_USED = ("du", "-a", "-c", "-k", "--")
_SUM_USED = ("awk", "{n++; last=$1} END {print n-1, last*1024}")
#: sums up sizes, one a line
_SUM = ("awk", "{n++; s+=$1} END {print n+0, s+0}")
#: most of a file that is kept for the way back, in bytes
KEPT = 65_536
_PRIVATE = re.compile(r"\.env|secret|passw|credential|\.pem|\.key|id_rsa|htpasswd|token", re.IGNORECASE)


def _command(name: str, *words: Said) -> str:
    return " ".join([name, *map(said, words)])


def plain_words(place: Place, values: frozenset[str] = frozenset()) -> list[Word]:
    """Give the words of a program that are no options; what follows `--` is none."""
    found: list[Word] = []
    position, over = 0, False
    while position < len(place.words):
        word = place.words[position]
        position += 1
        if over or len(word.text) < 2 or not word.text.startswith("-") or word.quoted:
            found.append(word)
        elif word.text == "--":
            over = True
        elif word.text in values:
            position += 1
    return found


def _summed(answer: Answer) -> tuple[int, int] | None:
    found = re.search(r"^(\d+) ([\d.e+]+)\s*$", answer.output, re.MULTILINE)
    return (int(found[1]), int(float(found[2]))) if found else None


def _used(place: Place, paths: Sequence[Word]) -> Look:
    return Look(place.script(_command(*_USED, *paths), _command(*_SUM_USED)))


def remove(place: Place) -> Effect | None:
    """`rm`, `rmdir`, `unlink`, `shred`: how many files, of which size."""
    paths = plain_words(place, frozenset({"-n", "-s"}) if place.name == "shred" else frozenset())
    return _deletes(_used(place, paths), paths) if paths else None


def _deletes(look: Look, paths: Sequence[Word]) -> Effect:
    names = " ".join(word.text for word in paths)

    def read(answers: Answers) -> Seen:
        summed = _summed(answers[0])
        if summed is None:
            return unseen(answers[0])
        many, much = summed
        if many <= 0:
            return Seen(f"Deletes nothing: there is no {names}.", f"delete {names} nothing", [0, 0])
        what = counted(many, "file or folder", "files and folders")
        return Seen(f"Deletes {what} ({size(much)}) in {names}.", f"delete {names} files", [many, much])

    def happened(before: Any, now: Seen) -> bool | None:
        return True if before and before[0] and now.before == [0, 0] else None

    return Effect(read, (look,), happened=happened, no_way_back=GONE)


def find(place: Place) -> Effect | None:
    """`find … -delete` and `find … -exec rm {} +`: the same search, counted instead."""
    texts = list(place.texts)
    words: list[Word] = list(place.words)
    if not place.static() or any(word.raw[:1] in ("*", "?", "[", "~") for word in words):
        # what a shell would put in its place could be an action of find's own
        return None
    if "-delete" in texts:
        words = [word for word in words if word.text != "-delete"]
    else:
        at = next((n for n, text in enumerate(texts) if text in ("-exec", "-execdir") and texts[n + 1 : n + 2] == ["rm"]), None)
        end = next((n for n in range(at, len(texts)) if texts[n] in (";", "\\;", "+")), None) if at is not None else None
        if at is None or end is None:
            return None
        words = [*words[:at], *words[end + 1 :]]
    paths = words[: next((n for n, word in enumerate(words) if word.text[:1] in "-(!"), len(words))]
    look = Look(place.script(_command("find", *words, "-printf", "%s\\n"), _command(*_SUM)))
    return _deletes(look, paths or [Word(".")])


def truncate(place: Place) -> Effect | None:
    """`truncate -s SIZE FILE`: how much goes."""
    paths = plain_words(place, frozenset({"-s", "--size", "-r"}))
    return _empties(place, paths, place.arguments.value("-s", "--size") or "") if paths else None


def written(place: Place) -> Effect | None:
    """`> FILE` and `>> FILE`: what is overwritten; what is only appended needs no look."""
    names = [name for name in place.call.writes if not name.startswith(("/dev/", "/proc/"))]
    if not names or any(set(name) & set("$`*?{") for name in names):
        return None
    if place.call.appends:
        return plain(f"Appends to {listed(names)}.")
    return _empties(place, [Word(name, raw=shlex.quote(name)) for name in names], "")


def _empties(place: Place, paths: Sequence[Word], to: str) -> Effect:
    names = " ".join(word.text for word in paths)
    look = _used(place, paths)

    def read(answers: Answers) -> Seen:
        summed = _summed(answers[0])
        if summed is None:
            return unseen(answers[0])
        if summed[0] <= 0:
            return Seen(f"Makes {names}, which is not there yet.", f"write {names} new", None)
        cut = f"Cuts {names} to {to}" if to and to != "0" else f"Empties {names}"
        return Seen(f"{cut}, now {size(summed[1])}.", f"write {names} over", list(summed))

    return Effect(read, (look,), no_way_back=OVER)


def move(place: Place) -> Effect | None:
    """`mv` and `cp`: what is moved, and what is overwritten at its place."""
    paths = plain_words(place, frozenset({"-t", "--target-directory", "-S"}))
    if len(paths) < 2 or place.pick(frozenset({"-t", "--target-directory"})):
        return None
    sources, goal = paths[:-1], paths[-1]
    looks = (
        _used(place, sources),
        Look(place.script(_command("stat", "-c", "%F|%s", "--", goal))),
    )
    moves = place.name == "mv"

    def read(answers: Answers) -> Seen:
        summed = _summed(answers[0])
        if summed is None:
            return unseen(answers[0])
        found = re.match(r"([a-z ]+)\|(\d+)", answers[1].output)
        if summed[0] <= 0:
            return Seen(f"There is no {' '.join(word.text for word in sources)}.", f"{place.name} {place.texts} nothing")
        things = counted(summed[0], "file or folder", "files and folders")
        what = f"{'moves' if moves else 'copies'} {things} ({size(summed[1])}) to {goal.text}"
        folder = found is not None and found[1] == "directory"
        over = f"overwrites what is there ({size(int(found[2]))})" if found and not folder else ""
        state = "into" if folder else "over" if found else "new"
        before = {"goal": "new"} if not found and len(sources) == 1 else None
        return Seen(sentence([what, over]), f"{place.name} {place.texts} {state}", before)

    def undo(before: Any) -> str | None:
        if not moves or before.get("goal") != "new":
            return None
        return place.script(_command("mv", "-n", "--", goal, sources[0]))

    return Effect(read, looks, undo, no_way_back=OVER)


def rewrite(place: Place) -> Effect | None:
    """`sed -i`: how the file would read, line by line; the file itself is kept for the way back."""
    shown = [word for word in place.words if not re.fullmatch(r"-i.*|--in-place(?:=.*)?", word.text)]
    given = place.pick(frozenset({"-e", "--expression", "-f", "--file"}))
    paths = plain_words(place, frozenset({"-e", "--expression", "-f", "--file"}))
    paths = paths if given else paths[1:]
    odd = any(word.text in ("-f", "--file", "-s") or re.fullmatch(r"-[nEr]+i\S*", word.text) for word in place.words)
    if len(paths) != 1 or odd:
        return None
    path, kept = paths[0], Look(place.script(_command("base64", "-w0", "--", paths[0])))
    if place.static():
        looks = (Look(place.script(place.own(*shown), _command("diff", "--", path, "-"))), kept)
        return _rewrites(place, path, looks, "")
    found = _pattern(place)
    if found is None:
        return None
    pattern, new = found
    extended = any(word.text in ("-E", "-r") for word in place.words)
    grep = _command("grep", *(["-E"] if extended else []), "-e", pattern, "--", path)
    return _rewrites(place, path, (Look(place.script(grep)), kept), new)


def _pattern(place: Place) -> tuple[str, str] | None:
    """Give what a lone `s/…/…/` looks for, and the words that it puts there; None where a shell works out what it looks for."""
    scripts = [word for word in place.words if re.match(r"s([/|,#@!:])", word.text)]
    if len(scripts) != 1:
        return None
    parts = re.split(rf"(?<!\\){re.escape(scripts[0].text[1])}", scripts[0].text)
    return (parts[1], parts[2]) if len(parts) == 4 and "$" not in parts[1].rstrip("$") and "`" not in parts[1] else None


def _rewrites(place: Place, path: Word, looks: tuple[Look, Look], replacement: str) -> Effect:
    """`replacement` is what a shell has yet to work out; empty where the first look shows the difference itself."""

    def read(answers: Answers) -> Seen:
        if answers[0].status not in (0, 1):
            return unseen(answers[0])
        lines = answers[0].output.splitlines()
        gone = lines if replacement else [line[2:] for line in lines if line.startswith("< ")]
        new = [replacement for _ in lines] if replacement else [line[2:] for line in lines if line.startswith("> ")]
        content = answers[1].output.strip() if answers[1].ok and not _PRIVATE.search(path.text) else ""
        before = content if 0 < len(content) <= KEPT * 4 // 3 and re.fullmatch(r"[A-Za-z0-9+/=]*", content) else None
        many = max(len(new), len(gone))
        if many == 0:
            return Seen(f"Changes nothing in {path.text}.", f"rewrite {path.text} nothing", before)
        pairs = list(zip(gone, new, strict=False))[:3]
        told = [f"rewrites {counted(many, _subject(gone, [] if replacement else new) + 'line')} of {path.text}"]
        told += [f"{one_line(old.strip(), 60)} → {one_line(text.strip(), 60)}" for old, text in pairs]
        told += [f"and {many - 3:,} more"] if many > 3 else []
        return Seen(sentence(told), f"rewrite {path.text} {sorted(set(gone))} → {sorted(set(new))}", before)

    def undo(before: Any) -> str | None:
        if len(place.levels) > 1 or place.levels[0].before:
            return None
        return f"{place.script(_command('echo', before), _command('base64', '-d'))} > {said(path)}"

    def happened(before: Any, now: Seen) -> bool | None:
        return True if before and now.before and now.before != before and now.scope.endswith(" nothing") else None

    return Effect(read, looks, undo, happened, "No way back: the file is too large, out of reach or may hold a secret.")


def _subject(gone: Sequence[str], new: Sequence[str]) -> str:
    """Name what the lines have in common: "image " for lines that all say `image:`."""
    keys = {line.strip().split(":")[0] for line in (*gone, *new)}
    return f"{keys.pop()} " if len(keys) == 1 and all(re.match(r"\s*[a-z_]{2,20}:", line) for line in (*gone, *new)) else ""
