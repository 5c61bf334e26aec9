"""Branch conditions made decidable: steps go in with the words of their conditions, and come out with what to hold them against.

"If `cmd` shows X", "if it prints nothing", "if the second check fails", "if error rate is above 5%", "if that fails",
"otherwise" can be decided; for anything else `condition` stays None and a person is asked. Only commands that read are used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from watchkeeper.book.model import Command, Condition, Expectation, Step, Threshold
from watchkeeper.book.read.comparisons import find_comparisons
from watchkeeper.book.read.expectations import judge_words
from watchkeeper.book.read.labels import is_otherwise
from watchkeeper.book.read.metric_names import canonical_metric
from watchkeeper.book.read.sentences import unmarked
from watchkeeper.book.shell import read_inline

_AFTER_FAILURE = re.compile(
    r"^(?:that|this|it|the (?:above|restart|previous step|last step|first (?:step|attempt)|fix|step|command|"
    r"rollback|reload|failover|upgrade|deployment)|restart(?:ing)?(?: \w+)?|graceful \w+|reload(?:ing)?|"
    r"previous step|above(?: steps?)?|scaling|still|none of (?:this|these|the above)|(?:these|the) steps?|"
    r"recovery|issue|problem|normal \w+)?\s*"
    r"(?:(?:still |also )?(?:fails?|failed|failing)|does(?:n['’]?t| not) (?:help|work|fix (?:it|the (?:issue|"
    r"problem))|resolve (?:it|the (?:issue|problem))|solve it|recover|succeed)|did(?:n['’]?t| not) (?:help|"
    r"work|fix (?:it|the (?:issue|problem))|resolve (?:it|the (?:issue|problem))|succeed)|is unsuccessful|was "
    r"unsuccessful|unsuccessful|"
    r"(?:still )?(?:persists?|not resolved|unresolved|failing|down|not (?:working|recovering|responding|"
    r"fixed))|not successful|has no effect|is not enough)\s*$",
    re.IGNORECASE,
)  # fmt: skip
_SHOWS = re.compile(
    r"^(?P<what>.*?)\s*\b(?:shows?|prints?|returns?|reports?|says?|outputs?|contains?|lists?|gives?|displays?|"
    r"responds? with|answers?(?: with)?|reads?|is|are|equals?|zeigt|meldet|gibt|affiche|retourne|renvoie|"
    r"muestra|devuelve|mostra|retorna)\b\s*(?P<value>.+)$",
    re.IGNORECASE,
)
_FAILS = re.compile(
    r"^(?P<what>.*?)\s*\b(?P<verb>fails?|failed|errors?(?: out)?|times? out|is refused|hangs|does not (?:answer|"
    r"respond|succeed|work|return)|doesn['’]t (?:answer|respond|succeed|work|return)|exits? (?:with )?(?:non-?zero|"
    r"1)|succeeds?|passes|works|answers|responds|is ok|returns nothing|prints nothing|is empty|is not empty|shows "
    r"nothing|exits? (?:with )?0)\s*$", re.IGNORECASE)  # fmt: skip
#: "`curl …` still fails"
_STILL = re.compile(r"^(?:still|again|now)\s+", re.IGNORECASE)
#: "`systemctl is-active shop` does not show active"
_DENIES = re.compile(
    r"^(?:(?:does|do)(?:\s+not|n['’]t)\s+(?:show|print|report|say|output|contain|list|give|display|read|equal|return)|"
    r"no longer\s+(?:shows|prints|reports|says|contains|lists|gives|displays|reads|returns))\s+(?=\S)",
    re.IGNORECASE,
)  # fmt: skip
#: a second condition that no single test can settle
_SEVERAL = re.compile(r"\b(?:but|while|unless|except|although|however|aber|obwohl|mais|pero|ale)\b", re.IGNORECASE)
_JOINED = re.compile(r"\b(?:and|or|und|oder|et|ou|y|o|oraz|lub)\b", re.IGNORECASE)
_ORDINALS = {"first": 0, "1st": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3, "last": -1, "latter": -1}
_PRONOUN = re.compile(
    r"^(?:it|this|that|the (?:output|result|command|check|status|response|query|count|number|value|list)|"
    r"output|result|response|the (?P<ordinal>\w+) (?:check|command|query|step|probe|output|test))$",
    re.IGNORECASE,
)


_CODE = re.compile(r"`[^`]*`")
_CODE_FIRST = re.compile(r"^`([^`]+)`\s+(.*)$")


def decide_conditions(steps: Sequence[Step], words: Sequence[str | None]) -> Iterator[Step]:
    """Give each step with its condition where its words (code in backticks) can be decided; None: only a person can."""
    asked: list[Command] = []
    before: Condition | None = None
    for number, step in enumerate(steps):
        if step.when is None:
            before = None if not is_otherwise(step.text) else before
            yield step
        else:
            said = words[number]
            condition = condition_of(said, step.line, asked, before) if said else None
            if condition and condition.after_failure and number == 0:
                condition = None
            same = number > 0 and steps[number - 1].when == step.when
            before = condition if not same or condition else before
            yield replace(step, condition=condition)
        asked += [
            command for command in step.commands if command.risk == "read" and not command.endless and not command.interactive
        ]


def condition_of(when: str, line: int, asked: Sequence[Command], before: Condition | None = None) -> Condition | None:
    """Make one condition decidable; `asked` are the reading commands before it, `before` the branch before it."""
    said = " ".join(when.split()).strip(" .:")
    when = unmarked(said)
    if _SEVERAL.search(_CODE.sub("", said) if "`" in said else said):
        return None
    if is_otherwise(said):
        return _otherwise(said, line, before)
    if _AFTER_FAILURE.match(said.removeprefix("the ")) or _AFTER_FAILURE.match(said):
        return Condition(line=line, text=when, after_failure=True)
    code = _CODE_FIRST.match(said) if said[:1] == "`" else None
    command = read_inline(code.group(1), line) if code else None
    if code and command is None:
        return _about_output(said, line, asked, when)
    if code and command is not None:
        if command.risk != "read":
            return None
        test = _test(code.group(2), line, said)
        return Condition(line=line, text=when, command=command, test=test) if test else None
    threshold = _threshold(said, line)
    pronoun = _pronoun(said, asked)
    if pronoun is not None:
        chosen, words = pronoun
        test = _test(words, line, said)
        if test:
            return Condition(line=line, text=when, command=chosen, test=test)
    if threshold is not None:
        return Condition(line=line, text=when, threshold=threshold)
    return None


def _pronoun(said: str, asked: Sequence[Command]) -> tuple[Command, str] | None:
    for pattern in (_FAILS, _SHOWS):
        found = pattern.match(said)
        if not found:
            continue
        what = found.group("what").strip().lower()
        named = _PRONOUN.match(what)
        if not named:
            named_tool = next(
                (command for command in reversed(asked) if what in command.tools or what == (command.purpose or "").lower()), None
            )
            if named_tool is None or not what:
                continue
            return named_tool, said[found.end("what") :].strip()
        if not asked:
            return None
        ordinal = (named.group("ordinal") or "last").lower()
        index = _ORDINALS.get(ordinal, -1 if not named.group("ordinal") else None)
        if index is None or index >= len(asked):
            return None
        return asked[index], said[found.end("what") :].strip()
    return None


def _about_output(said: str, line: int, asked: Sequence[Command], when: str) -> Condition | None:
    """`STOPPED` is shown: code that is no command is a value to be seen in the nearest output."""
    values = re.findall(r"`([^`]+)`", said)
    if (
        not asked
        or not values
        or not re.search(r"\b(?:shown|printed|appears?|listed|returned|seen|present|displayed)\b", said, re.IGNORECASE)
    ):
        return None
    test = Expectation(line=line, kind="shows", value=values[0], any_of=tuple(values) if len(values) > 1 else (), text=said)
    return Condition(line=line, text=when, command=asked[-1], test=test)


_NAMES = re.compile(r"[\"'`]?([\w.-]+)[\"'`]?((?:\s*(?:,|or|/|oder|ou|o)\s*[\"'`]?[\w.-]+[\"'`]?)*)")
_NO_NAME = re.compile(r"^(?:nothing|empty|none|no|zero|null|something|\d+$)", re.IGNORECASE)
_BETWEEN_NAMES = re.compile(r"\s*(?:,|\bor\b|/|\boder\b|\bou\b|\bo\b)\s*")
_QUOTES = re.compile(r"[\"'`]")


def _test(words: str, line: int, said: str) -> Expectation | None:
    words = _STILL.sub("", words.strip())
    denied = _DENIES.match(words)
    words = f"shows {words[denied.end() :]}" if denied else words
    found = None if denied else _FAILS.match(words)
    if found and not found.group("what").strip():
        verb = found.group("verb").lower().replace("’", "'")
        if verb in ("returns nothing", "prints nothing", "is empty", "shows nothing"):
            return Expectation(line=line, kind="empty", text=said)
        if verb == "is not empty":
            return Expectation(line=line, kind="some", text=said)
        good = verb in ("succeeds", "succeed", "passes", "works", "answers", "responds", "is ok") or re.match(
            r"exits? (?:with )?0$", verb
        )
        return Expectation(line=line, kind="succeeds" if good else "fails", text=said)
    shown = _SHOWS.match(words)
    if not shown or shown.group("what").strip():
        return None
    value = shown.group("value").strip()
    negative = value.startswith("not") and value[3:4].isspace()
    value = value[3:].lstrip() if negative else value
    if denied and negative:
        return None
    negative = negative or denied is not None
    plain = _NAMES.fullmatch(value)
    comparison = find_comparisons(value)
    if plain and not comparison and not _NO_NAME.match(value):
        names = [one for one in _BETWEEN_NAMES.split(_QUOTES.sub("", value)) if one]
        return Expectation(
            line=line,
            kind="lacks" if negative else "shows",
            value=names[0],
            any_of=tuple(names) if len(names) > 1 else (),
            text=said,
        )
    return judge_words(value, line, said, negative=negative)


def _threshold(said: str, line: int) -> Threshold | None:
    found = [one for one in find_comparisons(said) if one.subject.strip()]
    if len(found) != 1:
        return None
    one = found[0]
    if _JOINED.search(one.subject) or _JOINED.search(said[one.end :]):
        return None
    subject = re.sub(
        r"\s+(?:is|are|was|stays|remains|goes|rises|drops|falls|still|ist|est|es)\s*$",
        "",
        one.subject.strip(),
        flags=re.IGNORECASE,
    )
    subject = re.sub(r"^(?:the|if|when|still|die|der|das|la|le|el)\s+", "", subject, flags=re.IGNORECASE)
    if (
        not subject
        or len(subject.split()) > 6
        or re.fullmatch(
            r"(?:it|this|that|not \w+|unresolved|resolved|issue|problem|recovery|recovered|running|takes)", subject, re.IGNORECASE
        )
    ):
        return None
    return Threshold(
        line=line,
        role="alert",
        subject=subject,
        metric=canonical_metric(subject),
        statistic=one.statistic,
        op=one.op,
        value=one.value,
        unit=one.unit,
        for_s=one.for_s,
        source="condition",
        text=said,
    )


def _otherwise(said: str, line: int, before: Condition | None) -> Condition | None:
    if before is None or before.after_failure:
        return None
    opposite: dict[str, Literal["shows", "lacks", "empty", "some", "succeeds", "fails"]] = {
        "shows": "lacks",
        "lacks": "shows",
        "empty": "some",
        "some": "empty",
        "succeeds": "fails",
        "fails": "succeeds",
    }
    if before.test is not None and before.test.kind in opposite:
        return Condition(
            line=line,
            text=said,
            command=before.command,
            test=replace(before.test, line=line, kind=opposite[before.test.kind], text=said),
        )
    if before.threshold is not None and before.threshold.op in (">", ">=", "<", "<="):
        turned: dict[str, Literal["<=", "<", ">=", ">"]] = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}
        return Condition(
            line=line, text=said, threshold=replace(before.threshold, line=line, op=turned[before.threshold.op], text=said)
        )
    return None
