"""What programs do, by the table `programs.toml`: program and words go in; risk, endlessness and unwrapping rules come out.

The table is data so that a reader can check it and add to it. This module only knows how its patterns are read. It never
guesses: a program that the table does not name, or words that no pattern fits, have no risk here (None).
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, cast

from watchkeeper.base.nouns import built_fast
from watchkeeper.book.model import Risk


def word_set(text: str) -> frozenset[str]:
    """Make a set of the words of a text, so that long lists stay readable."""
    return frozenset(text.split())


_RISKS: tuple[Risk, ...] = ("destroy", "change", "read")


@built_fast
@dataclass(frozen=True, slots=True)
class Arguments:
    """The words after a program's name: plain words, and options with their values where they have one."""

    words: tuple[str, ...]
    options: tuple[tuple[str, str | None], ...]

    def has(self, name: str, values: tuple[str, ...] = (), *, read: bool = False) -> bool:
        """Say whether an option is given; a letter also counts within a bundle (`-f` in `-tf`).

        For `read` only the last of an option's values counts, and not one that says no (`--dry-run=false`). Otherwise a long
        option may be shortened (`--vac` is `--vacuum-time`), as many programs allow.
        """
        if read and name.startswith("--"):
            said = [value for option, value in self.options if option == name]
            return bool(said) and (
                said[-1] is not None and any(fnmatchcase(said[-1], wanted) for wanted in values)
                if values
                else said[-1] is None or said[-1].lower() not in _NO
            )
        for option, value in self.options:
            if not read and not values and len(option) > 4 and option[:2] == "--" and name.startswith(option):
                return True
            if option == name or (len(name) == 2 and name[0] == "-" and _bundled(name[1], option)):
                if not values:
                    return True
                if value is not None and any(fnmatchcase(value, wanted) for wanted in values):
                    return True
            elif name.endswith("*") and fnmatchcase(option, name):
                return True
        return False

    def value(self, *names: str) -> str | None:
        """Give the value of the first of these options that is given."""
        return next((value for option, value in self.options if option in names and value is not None), None)


_NO = frozenset({"false", "no", "none", "0", "off", "f", "n"})


def _bundled(letter: str, option: str) -> bool:
    if len(option) < 3 or option[0] != "-" or option[1] == "-":
        return False
    for char in option[1:]:
        if not char.isalpha():
            return False
        if char == letter:
            return True
    return False


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern of the table."""

    words: tuple[str, ...]
    options: tuple[tuple[str, tuple[str, ...]], ...]
    without: tuple[str, ...]
    ends: bool
    text: str
    #: how specific it is: an option says more than a verb
    weight: float
    #: it says that nothing changes, and is held to its words the more closely
    reads: bool = False

    def fits(self, given: Arguments, *, nocase: bool = False) -> bool:
        """Say whether the arguments are of this pattern."""
        if self.options and not given.options:
            return False
        words = given.words
        if len(words) < len(self.words) or (self.ends and len(words) > len(self.words)):
            return False
        for word, wanted in zip(words, self.words, strict=False):
            said = word.lower() if nocase else word
            if said != wanted and not (("*" in wanted or "?" in wanted or "[" in wanted) and fnmatchcase(said, wanted)):
                return False
        for name, values in self.options:
            if not given.has(name, values, read=self.reads):
                return False
        return not self.without or not any(given.has(name) for name in self.without)


@dataclass(frozen=True, slots=True)
class Program:
    """A program of the table."""

    name: str
    risks: tuple[tuple[Risk, tuple[Pattern, ...]], ...]
    #: the same patterns by their first word, the most specific first; under "*" those without a fixed one, which all have
    by_verb: dict[str, list[tuple[Risk, Pattern]]]
    otherwise: Risk | None
    endless: tuple[Pattern, ...]
    interactive: tuple[Pattern, ...]
    values: frozenset[str]
    globals: frozenset[str]
    inner: tuple[Pattern, ...]
    nocase: bool
    #: a letter with a value may end a bundle (`-sXDELETE`)
    bundles: bool = False
    #: what it does without any word, where that is more than to print its usage
    alone: Risk | None = None

    def arguments(self, given: Sequence[str]) -> Arguments:
        """Sort the words after the program's name into plain words and options."""
        if self.bundles:
            given = [part for word in given for part in _unbundled(word, self.values)]
        return sort_arguments(tuple(given), self.values, self.globals)

    def risk(self, given: Arguments) -> tuple[Risk | None, str]:
        """Give the risk and the pattern that decided; None where no pattern fits."""
        first = given.words[0].lower() if given.words and self.nocase else given.words[0] if given.words else ""
        for risk, pattern in self.by_verb.get(first) or self.by_verb["*"]:
            if pattern.fits(given, nocase=self.nocase):
                return risk, pattern.text
        return self.otherwise, ""

    def never_returns(self, given: Arguments) -> bool:
        """Say whether it runs until somebody stops it."""
        return any(pattern.fits(given, nocase=self.nocase) for pattern in self.endless)

    def waits_for_a_person(self, given: Arguments) -> bool:
        """Say whether it asks a question or opens a session."""
        return any(pattern.fits(given, nocase=self.nocase) for pattern in self.interactive)


def _unbundled(word: str, values: frozenset[str]) -> list[str]:
    if len(word) < 3 or word[0] != "-" or word[1] == "-":
        return [word]
    at = next((n for n, char in enumerate(word[1:], 1) if not char.isalpha() or f"-{char}" in values), None)
    if at is None or f"-{word[at]}" not in values:
        return [word]
    return [*([word[:at]] if at > 1 else []), f"-{word[at]}", *([word[at + 1 :].removeprefix("=")] if word[at + 1 :] else [])]


@lru_cache(maxsize=2048)
def sort_arguments(
    given: tuple[str, ...], values: frozenset[str] = frozenset(), globals_: frozenset[str] = frozenset()
) -> Arguments:
    """Sort words into plain words and options; `globals_` take a value only before the first plain word and are left out."""
    words: list[str] = []
    options: list[tuple[str, str | None]] = []
    position = 0
    while position < len(given):
        word = given[position]
        position += 1
        if word == "--":
            options.append((word, None))
            words += given[position:]
            break
        if len(word) < 2 or word[0] != "-":
            words.append(word)
            continue
        name, equals, value = word.partition("=")
        if equals:
            options.append((name, value))
        elif not words and word in globals_:
            position += 1
        elif word in values:
            options.append((word, given[position] if position < len(given) else None))
            position += 1
        elif word[1] != "-" and len(word) > 2 and word[:2] in values and word[2:].isupper():
            options.append((word[:2], word[2:]))
        else:
            options.append((word, None))
    return Arguments(tuple(words), tuple(options))


def _pattern(text: str, *, reads: bool = False) -> Pattern:
    words: list[str] = []
    options: list[tuple[str, tuple[str, ...]]] = []
    without: list[str] = []
    for token in text.split():
        if token.startswith("!"):
            without.append(token[1:])
        elif len(token) > 1 and token[0] == "-":
            name, _, value = token.partition("=")
            options.append((name, tuple(value.split("|")) if value else ()))
        elif token not in ("always", "$"):
            words.append(token)
    if text.strip() == "never":
        words = ["\0"]
    weight = (
        len(words) + sum(2.5 if values else 2.0 for _, values in options) + 0.5 * ("$" in text.split()) + 0.25 * bool(without)
    )
    return Pattern(tuple(words), tuple(options), tuple(without), "$" in text.split(), text.strip(), weight, reads)


def _patterns(text: str, *, reads: bool = False) -> tuple[Pattern, ...]:
    return tuple(_pattern(part, reads=reads) for part in text.replace("\n", " ").split(",") if part.strip())


def _names(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.replace("\n", " ").split(",") if part.strip())


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((files("watchkeeper.book") / "programs.toml").read_text(encoding="utf-8"))


@cache
def _always() -> dict[str, Risk]:
    return {name: risk for risk in _RISKS for name in _names(_table()["always"].get(risk, ""))}


def only_reads(name: str) -> bool:
    """Say whether a program changes nothing whatever it is given."""
    return _always().get(name) == "read"


@cache
def _globs() -> tuple[str, ...]:
    return tuple(name for name in _table() if "*" in name)


#: programs of the table that were asked about
_MADE: dict[str, Program] = {}


def _listed(name: str) -> Program | None:
    """Give a program that the table names as it is, read when it is first asked about."""
    entry = _table().get(name) if name not in _MADE and name != "always" else None
    if entry is not None:
        _MADE[name] = _program(name, entry)
    return _MADE.get(name)


@cache
def find(name: str) -> Program | None:
    """Find a program of the table by its name, None where the table does not know it.

    `kafka-topics.sh` and `kafka-topics` are one, as are `python3.11` and `python3`.
    """
    listed = _listed(name)
    if listed is not None:
        return listed
    always = _always().get(name)
    if always is None and "." in name:
        always = next((risk for pattern, risk in _always().items() if "*" in pattern and fnmatchcase(name, pattern)), None)
    if always is not None and name not in _always():
        return _program(name, {"otherwise": always})
    if always is not None:
        return _MADE.setdefault(name, _program(name, {"otherwise": always}))
    if name.endswith((".sh", ".exe", ".bat")):
        base = name.rsplit(".", 1)[0]
        return find(base) if base.startswith(("kafka-", "zookeeper-", "zk")) or name.endswith(".exe") else None
    glob = next((pattern for pattern in _globs() if fnmatchcase(name, pattern)), None)
    program = _listed(glob) if glob else None
    return replace(program, name=name) if program else None


def _program(name: str, entry: dict[str, Any]) -> Program:
    if "like" in entry:
        entry = {**_resolved(entry["like"]), **{key: value for key, value in entry.items() if key != "like"}}
    risks = tuple((risk, _patterns(entry.get(risk, ""), reads=risk == "read")) for risk in _RISKS)
    return Program(
        name=name,
        risks=risks,
        by_verb=_by_verb(risks),
        otherwise=cast("Risk | None", entry.get("otherwise")),
        endless=_patterns(entry.get("endless", "")),
        interactive=_patterns(entry.get("interactive", "")),
        values=_names(entry.get("values", "")),
        globals=_names(entry.get("globals", "")),
        inner=_patterns(entry.get("inner", "")),
        nocase=bool(entry.get("nocase", False)),
        bundles=bool(entry.get("bundles", False)),
        alone=cast("Risk | None", entry.get("alone")),
    )


def _by_verb(risks: tuple[tuple[Risk, tuple[Pattern, ...]], ...]) -> dict[str, list[tuple[Risk, Pattern]]]:
    found: dict[str, list[tuple[Risk, Pattern]]] = {"*": []}
    for risk, patterns in risks:
        for pattern in patterns:
            verb = pattern.words[0] if pattern.words else "*"
            found.setdefault("*" if any(char in verb for char in "*?[") else verb, []).append((risk, pattern))
    everywhere = found["*"]
    for verb, own in found.items():
        graver = sorted(own if verb == "*" else own + everywhere, key=lambda one: _RISKS.index(one[0]))
        found[verb] = sorted(graver, key=lambda one: -one[1].weight)
    return found


def _resolved(name: str) -> dict[str, Any]:
    entry = dict(_table().get(name, {}))
    return {**_resolved(entry["like"]), **entry} if "like" in entry else entry


def known(name: str) -> bool:
    """Say whether the table, or the code that unwraps and runs programs, knows this name."""
    return find(name) is not None
