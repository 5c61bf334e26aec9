"""Decision trees and flows drawn in a fence: rows go in; what is to be done comes out, each with the answers that lead to it.

Depth is the column where a row's words begin. A question is followed by answers ("YES → …", "no: …", "↓ NO"), on its row or
beneath it; an answer that only goes on ("No → Continue") holds for what follows. A drawing without a single answered
question (a listing of folders, an architecture) gives None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from watchkeeper.book.model import Command
from watchkeeper.book.read.comparisons import find_comparisons
from watchkeeper.book.read.instructions import is_instruction
from watchkeeper.book.shell import read_inline

TEXTUAL = frozenset({"", "text", "txt", "plain", "plaintext", "ascii"})
_ARROW = r"(?:→|⇒|⟶|➜|➔|-+>|=+>|─+[>▶►→]?|━+[>▶►]|▶|►)"
_PREFIX = re.compile(r"^(?:[\s│┃|├└┌┐┘┬┴┤┼╰╭╔╚╠║+`\\*•·─━═]|-(?=[\s-]))*")
_LEAD = re.compile(rf"^(?:{_ARROW}\s*)+")
_SIDES = re.compile(r"[│┃║┤├┐┘┌└]")
_DOWN = re.compile(r"[↓▼⇩]")
_YES = r"yes|ja|oui|sí|si|sim|tak|はい|是|예"
_NO = r"no|nein|non|não|nie|otherwise|else|sonst|sinon|いいえ|否|아니오"
_ANSWER = re.compile(
    rf"(?:^|(?<=[\s→>▶►─/,;|?]))[(\[]?(?P<answer>{_YES}|{_NO}|(?-i:[YN]))[)\]]?(?:\s*(?:{_ARROW}|[—–:：])+\s*|\s*$|(?<=[)\]])\s+)",
    re.IGNORECASE,
)
_NEGATIVE = re.compile(rf"(?:{_NO}|n)$", re.IGNORECASE)
_LINK = re.compile(rf"\s*{_ARROW}\s*")
_ON = re.compile(
    r"(?:continue|next(?: (?:check|question|step))?|go on|proceed|carry on|weiter|nächste \w+|suite|suivant|continuer|"
    r"continuar|siguiente|dalej|次へ|继续|계속)\W*$",
    re.IGNORECASE,
)
#: the event at the top of a drawing
BEGINS = re.compile(
    r"\b(?:fires?|fired|firing|detected|received|raised|reported|triggered|occurs?|occurred|starts?|begins?)\W*$", re.IGNORECASE
)
_OPEN = re.compile(
    r"(?:what|who|whom|which|where|when|why|how|wer|was|welche\w*|wo|warum|wie|qu\w+|cu[aá]l|dónde|cómo)\b", re.IGNORECASE
)
_IF = re.compile(
    r"(?:if|when|in case(?: of)?|wenn|falls|si|en cas de|en caso de|se|em caso de|jeśli)\s+(?P<case>.+)$", re.IGNORECASE
)
_ASKED = re.compile(
    r"(?P<verb>is|are|was|were|has|have|does|do|did|can|could|will|ist|sind|hat|haben|läuft|laufen|est-ce que|est-ce qu['’]|"
    r"es|está|están|é|são|czy)\s+(?P<rest>.+)$",
    re.IGNORECASE,
)
#: where the predicate of an English question begins: "the queue | longer than 100", "the worker | running"
_PREDICATE = re.compile(
    r"\s(?=(?:still|also|already|not|now|both|completely|fully|currently|consistently|always|above|below|over|under|at|in|on|"
    r"within|between|more|less|greater|higher|lower|longer|older|larger|bigger|smaller|fewer|down|up|out|slow|full|empty|low|"
    r"high|healthy|unhealthy|ready|available|unavailable|reachable|unreachable|responsive|unresponsive|present|missing|gone|true|"
    r"broken|stuck|dead|alive|ok|corrupt|exhausted|online|offline|active|inactive|enabled|disabled|open|closed|"
    r"[a-z]{2,}(?:ing|ed))\b)",
    re.IGNORECASE,
)
_OPPOSITE = {">": "<=", ">=": "<", "<": ">=", "<=": ">", "≥": "<", "≤": ">"}
_SIGN = re.compile(r">=|<=|[<>≥≤]")


@dataclass(frozen=True, slots=True)
class Drawn:
    """One thing to do in a drawing, and what leads to it (outermost first)."""

    line: int
    text: str
    when: tuple[str, ...] = ()
    #: the last of them is one of several, which only a person can judge
    either: bool = False


@dataclass(slots=True)
class _Frame:
    column: float
    #: what holds for the rows beneath; None for a question
    case: str | None = None
    question: str = ""
    line: int = 0
    #: the answer that only leads on
    onward: str | None = None
    answers: int = 0
    #: its last answer was a no
    negative: bool = False


_IF_ARROW = re.compile(rf"(?:^|\s)if\b.*{_ARROW}", re.IGNORECASE)


def read_drawn(text: str, line: int, info: str = "") -> tuple[Drawn, ...] | None:
    """Read a drawing's branches; None where nothing is asked in it, or nothing hangs on what is asked."""
    if info not in TEXTUAL or not ("?" in text or "？" in text or _IF_ARROW.search(text)):
        return None
    if any(len(answers) > 1 and not said for said, answers in map(_fork, text.split("\n"))):
        return None
    first = _Reader(frozenset())
    first.read(text, line)
    reader = _Reader(frozenset(first.answered))
    reader.read(text, line)
    return tuple(reader.found) if any(one.when for one in reader.found) else None


def commands_written(said: str, line: int) -> list[Command]:
    """Find the commands in what is to be done: code in backticks, else the whole where it is a command."""
    spans = re.findall(r"`([^`]+)`", said)
    return [command for text in spans or [said] if (command := read_inline(text, line))]


def _fork(row: str) -> tuple[str, list[str]]:
    """Give the words of a row beside its answers, and the answers: "YES   NO" side by side leads to columns."""
    answers = [found.group() for found in re.finditer(rf"\b(?:{_YES}|{_NO})\b", row, re.IGNORECASE)]
    return re.sub(rf"\b(?:{_YES}|{_NO})\b|[\W_]|v\b", "", row, flags=re.IGNORECASE), answers


class _Reader:
    def __init__(self, answered: frozenset[int]) -> None:
        #: lines of the questions that have answers of their own
        self.known = answered
        self.answered: set[int] = set()
        self.found: list[Drawn] = []
        self.stack: list[_Frame] = []

    def read(self, text: str, line: int) -> None:
        rows = text.split("\n")
        for offset, row in enumerate(rows):
            down = bool(_DOWN.search(row))
            bare = _SIDES.sub(" ", _DOWN.sub(" ", row)).rstrip(" ─━-+")
            begin = len(_PREFIX.match(bare).group())  # type: ignore[union-attr]
            said = _LEAD.sub("", " ".join(bare[begin:].split()))
            if not re.search(r"\w", said) or said.lower() == "v":
                self._down(down or said.lower() == "v")
                continue
            following = next((_column(one) for one in rows[offset + 1 :] if re.search(r"\w", one)), -1)
            self._row(said, float(begin), line + offset, deeper=following > begin)

    def _down(self, down: bool) -> None:
        """An arrow that leaves a question with one answer stands for the other answer."""
        question = next((frame for frame in reversed(self.stack) if frame.case is None), None)
        if down and question and question.answers == 1 and question.onward is None:
            question.onward = "yes" if question.negative else "no"

    def _row(self, said: str, column: float, line: int, *, deeper: bool) -> None:
        answer = _ANSWER.match(said)
        if answer and self._answers(answer, said, column, line, deeper=deeper):
            return
        self._leave(column)
        if self.stack and self.stack[-1].onward:
            self._go_on(self.stack.pop())
        self._content(said, column, line)

    def _answers(self, answer: re.Match[str], said: str, column: float, line: int, *, deeper: bool) -> bool:
        question = next((one for one in reversed(self.stack) if one.case is None and one.column <= column), None)
        if question is None:
            return False
        while self.stack[-1] is not question:
            self.stack.pop()
        self._answer(question, answer, said, column, line, deeper=deeper)
        return True

    def _answer(
        self, question: _Frame, answer: re.Match[str], said: str, column: float, line: int, *, deeper: bool = False
    ) -> None:
        """Take an answer with what follows it on its row, up to the next answer."""
        negative = bool(_NEGATIVE.match(answer["answer"]))
        self.answered.add(question.line)
        question.answers += 1
        question.negative = negative
        rest = said[answer.end() :]
        other = next((one for one in _ANSWER.finditer(rest) if one.start() and "?" not in rest[: one.start()]), None)
        then = (rest[: other.start()] if other else rest).strip(" /,;|─-")
        if _ON.match(then) or (not then and not deeper and not other):
            question.onward = "no" if negative else "yes"
        else:
            self.stack.append(_Frame(column + 0.1, _case(question.question, negative=negative)))
            if then:
                self._content(then, column + 0.2, line)
        if other:
            while self.stack[-1] is not question:
                self.stack.pop()
            self._answer(question, other, rest, column, line, deeper=deeper)

    def _content(self, said: str, column: float, line: int) -> None:
        """Take words that are no answer: a question, a case with or without what is to be done, or something to do."""
        question, mark, rest = said.replace("？", "?").partition("?")
        rest = rest.strip(" |")
        pointed = _LINK.match(rest)
        rest = rest[pointed.end() :] if pointed else rest
        mark = mark if not rest or pointed or is_instruction(rest) or _ANSWER.match(rest) else ""
        answer = _ANSWER.match(rest)
        if mark and (not rest or answer):
            asked = _Frame(column, None, question.strip(), line)
            self.stack.append(asked)
            if answer:
                self._answer(asked, answer, rest, column, line)
            return
        case, then = self._case_of(said, question if mark else "", rest)
        if case:
            self.stack.append(_Frame(column, case))
            if then:
                self._do(then, line)
            return
        self._do(said, line)

    def _case_of(self, said: str, question: str, rest: str) -> tuple[str | None, str]:
        """Split "CPU → scale out" beneath a question, "error rate > 5% → roll back" and "If X:"."""
        if question and rest and not _OPEN.match(question):
            return _case(question, negative=False), rest
        parts = _LINK.split(said, maxsplit=1)
        left, then = (parts[0], parts[1]) if len(parts) > 1 else (said, "")
        found = _IF.match(left)
        if found and (then or left.endswith((":", "：")) or "," not in left):
            case, colon, more = found["case"].partition(": ")
            return case.rstrip(" :："), then or (more if colon else "")
        if not then or is_instruction(left):
            return None, ""
        asked = self.stack[-1] if self.stack and self.stack[-1].case is None else None
        if asked and len(left.split()) <= 6:
            self.answered.add(asked.line)
            asked.answers += 1
            return f"{asked.question}? {left}", then
        return (left, then) if find_comparisons(left) else (None, "")

    def _do(self, said: str, line: int) -> None:
        when = [frame.case for frame in self.stack if frame.case is not None]
        asked = self.stack[-1] if self.stack and self.stack[-1].case is None else None
        if asked and asked.line not in self.known and not _OPEN.match(asked.question):
            when.append(_case(asked.question, negative=False))
        if not _ON.match(said) and (when or (is_instruction(said) and not BEGINS.search(said))):
            self.found.append(Drawn(line, said, tuple(when)))

    def _leave(self, column: float) -> None:
        while self.stack and self.stack[-1].column >= column:
            left = self.stack.pop()
            if left.onward and left.column - 0.05 < column:
                self._go_on(left)
                break

    def _go_on(self, question: _Frame) -> None:
        """Let what follows a question hang on its answer that only leads on."""
        self.stack.append(_Frame(question.column - 0.05, _case(question.question, negative=question.onward == "no")))


def case_of_answer(question: str, answer: str) -> str:
    """Say a question with the words on the arrow that leaves it as a condition: "No, after 30 min" is a no.

    >>> case_of_answer("Is the worker running?", "no"), case_of_answer("Severity", "P1")
    ('the worker is not running', 'Severity: P1')
    """
    asked = question.rstrip(" ?？")
    said = re.match(rf"(?:(?P<yes>{_YES}|y)|(?P<no>{_NO}|n))(?![^\W\d_])\W*(?P<more>.*)$", answer, re.IGNORECASE)
    if said is None:
        return f"{asked}: {answer}"
    case = _case(asked, negative=bool(said["no"]))
    return f"{case} ({said['more']})" if said["more"] else case


def _column(row: str) -> int:
    return len(_PREFIX.match(_SIDES.sub(" ", _DOWN.sub(" ", row))).group())  # type: ignore[union-attr]


def _case(question: str, *, negative: bool) -> str:
    """Say an answered question as a condition.

    >>> _case("Is the worker running", negative=True), _case("Is error rate > 10%", negative=True)
    ('the worker is not running', 'error rate <= 10%')
    """
    asked = _ASKED.match(question)
    rest = asked["rest"] if asked else question
    signs = _SIGN.findall(rest)
    if len(signs) == 1 and find_comparisons(rest):
        return _SIGN.sub(lambda sign: _OPPOSITE[sign.group()], rest) if negative else rest
    predicate = _PREDICATE.search(rest) if asked and asked["verb"].lower() in ("is", "are", "was", "were") else None
    if asked and predicate:
        verb = f"{asked['verb'].lower()} not" if negative else asked["verb"].lower()
        return f"{rest[: predicate.start()]} {verb} {rest[predicate.end() :]}"
    if negative or asked:
        return f"{question}? {'no' if negative else 'yes'}"
    return rest
