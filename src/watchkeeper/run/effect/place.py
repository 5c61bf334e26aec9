"""Where a program stands in a command, so that another one can be run in exactly the same place.

`ssh db1 'cd /srv && sudo docker exec -i db psql -c "DELETE …"'` holds psql behind two shells and two wrappers; what would look
beforehand has to stand behind the same. Words of the book are carried as the book has them, everything else is quoted: no text
is ever taken apart or put together but by the grammar.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from watchkeeper.book.programs import Arguments, find, sort_arguments, word_set
from watchkeeper.book.syntax import Call, Word, read_script
from watchkeeper.book.unwrap import take_off

#: a word of the book, or a value that is quoted
Said: TypeAlias = Word | str

_SHELLS = frozenset({"bash", "sh", "zsh", "dash", "ash", "ksh"})
_LEADS = frozenset({"cd", "export"})
#: wrappers that hand over a terminal where they are told to, and how they are told
_TERMINAL = {"-it": "-i", "-ti": "-i", "-t": "", "--tty": "", "--tty=true": "", "-tty": ""}
_RUN_IN = frozenset({"docker", "podman", "nerdctl", "kubectl", "oc", "k"})
_COMPOSE = frozenset({"docker compose", "docker-compose", "podman-compose"})
_SSH_VALUES = word_set("-i -p -l -o -F -J -L -R -D -b -c -E -e -I -m -O -Q -S -W -w -B")


class Unplaced(Exception):
    """The command is not a plain row of programs; the message says why."""


@dataclass(frozen=True, slots=True)
class Level:
    """One shell: what is done in it first, and the words before the program."""

    lead: str
    before: str


@dataclass(frozen=True, slots=True)
class Place:
    """One program of a command with all that stands around it."""

    #: its bare name; "docker compose" is one
    name: str
    #: how the book writes it
    program: Word
    words: tuple[Word, ...]
    call: Call
    #: the shells around it, outermost first; the last is its own
    levels: tuple[Level, ...]
    #: its last words come from what is piped into xargs
    through_xargs: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        """Give the words after its name without their quotes."""
        return tuple(word.text for word in self.words)

    @property
    def arguments(self) -> Arguments:
        """Give its words sorted into plain words and options."""
        program = find(self.name)
        return program.arguments(self.texts) if program else sort_arguments(self.texts)

    def static(self) -> bool:
        """Tell whether no word of it is worked out by a shell."""
        return all(word.static for word in self.words)

    def pick(self, options: frozenset[str]) -> list[Word]:
        """Give those of its words that are these options, each with its value, as the book has them."""
        found: list[Word] = []
        position = 0
        while position < len(self.words):
            text = self.words[position].text
            if text in options:
                found += self.words[position : position + 2]
                position += 1
            elif text.partition("=")[0] in options or (len(text) > 2 and text[:2] in options and text[1] != "-"):
                found.append(self.words[position])
            position += 1
        return found

    def own(self, *words: Said) -> str:
        """Give the program itself with other words."""
        return " ".join([said(self.program), *map(said, words)])

    def script(self, *parts: str) -> str:
        """Give the script that runs these commands in this place, the output of each piped into the next."""
        text = " | ".join(" ".join(filter(None, (self.levels[-1].before, part))) for part in parts)
        text = self.levels[-1].lead + text
        for level in reversed(self.levels[:-1]):
            text = f"{level.lead}{level.before} {shlex.quote(text)}"
        return text


def said(word: Said) -> str:
    """Give a word for a script: as the book has it, or quoted."""
    if isinstance(word, Word):
        return word.raw or shlex.quote(word.text)
    return shlex.quote(word)


def places(text: str) -> list[Place]:
    """Find the programs of shell text, wrappers taken off; Unplaced where it is more than a row of them."""
    return _places(text, (), 0)


def _places(text: str, levels: tuple[Level, ...], depth: int) -> list[Place]:
    script = read_script(text)
    if script.broken:
        raise Unplaced("its shell text cannot be read in full")
    if script.compound or script.functions:
        raise Unplaced("it is a loop, a branch or a function of its own")
    if depth > 4:
        raise Unplaced("its shells are nested too deeply")
    found: list[Place] = []
    lead = ""
    for call in script.calls:
        name = call.words[0].text
        if name in _LEADS and not call.writes:
            lead += " ".join(said(word) if word.raw else word.text for word in call.words) + " && "
            continue
        if script.sets & _used(call):
            raise Unplaced("its words are worked out on the way")
        found += _of_call(call, levels, lead, depth)
    return found


def _used(call: Call) -> set[str]:
    texts = [*(word.raw for word in call.words if not word.static), *call.settings]
    return {name for text in texts for name in re.findall(r"\$\{?(\w+)", text)}


def _of_call(call: Call, levels: tuple[Level, ...], lead: str, depth: int) -> list[Place]:
    words = list(call.words)
    before: list[str] = list(call.settings)
    xargs = False
    for _ in range(12):
        if not words:
            return []
        head = words[0]
        if not head.static:
            raise Unplaced(f"its program is worked out by the shell ({head.text})")
        name = head.text if head.text in _COMPOSE else head.text.rstrip("/").rsplit("/", 1)[-1]
        inner = _shell_text(name, words)
        if inner is not None:
            kept, text = inner
            if call.stdin:
                raise Unplaced("what it is fed passes through another shell")
            around = Level(lead, " ".join([*before, *_no_terminal(kept)]))
            return _places(text, (*levels, around), depth + 1)
        rest = take_off(name, words[1:])
        if rest is None:
            return [Place(name, head, tuple(words[1:]), call, (*levels, Level(lead, " ".join(before))), xargs)]
        joined = rest[:1] and not rest[0].raw
        taken = words[: len(words) - len(rest) + (1 if joined else 0)]
        if joined:
            words = [replace_raw(rest[0], " ".join(said(word) for word in taken)), *rest[1:]]
        elif name == "xargs":
            xargs, words = True, rest
        else:
            before += _no_terminal(taken)
            words = rest
    raise Unplaced("its wrappers are nested too deeply")


def replace_raw(word: Word, raw: str) -> Word:
    """Give a word that is written otherwise."""
    return word._replace(raw=raw)


def _no_terminal(taken: Sequence[Word]) -> list[str]:
    """Give the words of a wrapper without its wish for a terminal, which nobody here has."""
    name = taken[0].text.rsplit("/", 1)[-1]
    texts = [word.text for word in taken]
    if name in _COMPOSE and ("exec" in texts or "run" in texts) and "-T" not in texts:
        verb = next(number for number, text in enumerate(texts) if text in ("exec", "run"))
        after = [said(word) for word in taken[verb + 1 :] if word.text not in _TERMINAL]
        return [*(said(word) for word in taken[: verb + 1]), "-T", *after]
    if name not in _RUN_IN:
        return [said(word) for word in taken]
    return [text for word in taken if (text := _TERMINAL.get(word.text, said(word)) if not word.quoted else said(word))]


def _shell_text(name: str, words: list[Word]) -> tuple[list[Word], str] | None:
    """Give the words of a shell up to the text that it is to run, and that text; None where it is no shell with a text."""
    texts = [word.text for word in words]
    if name in _SHELLS or name == "su":
        flag = next((n for n, text in enumerate(texts[1:], 1) if re.fullmatch(r"-[a-z]*c", text)), None)
        if flag is None or flag + 2 != len(words):
            return None
        _check(words[flag + 1 :])
        return words[: flag + 1], texts[flag + 1]
    if name == "ssh":
        host = _first_plain(texts, 1)
        if host is None or host + 1 >= len(words):
            return None
        _check(words[host + 1 :])
        return words[: host + 1], " ".join(texts[host + 1 :])
    return None


def _first_plain(texts: list[str], start: int) -> int | None:
    position = start
    while position < len(texts):
        if not texts[position].startswith("-"):
            return position
        position += 2 if texts[position] in _SSH_VALUES else 1
    return None


def _check(words: Sequence[Word]) -> None:
    if not all(word.static for word in words):
        raise Unplaced("one shell works out words of another")
