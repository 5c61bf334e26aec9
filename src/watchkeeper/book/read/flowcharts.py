"""Flowcharts in Mermaid: their text goes in; arrows, and what is to be done under which answers, come out.

A node in braces, or one that ends in a question mark, is asked; the words on the arrows that leave it are its answers. A node
that several ways lead to is done under what those ways have in common where they leave no answer out, else under any of them,
which a person judges. A chart in which nothing is asked has no branches:
it shows who needs whom.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeAlias

from watchkeeper.book.read.drawn_branches import BEGINS, Drawn, case_of_answer
from watchkeeper.book.read.instructions import is_instruction

_CHART = re.compile(r"\s*(?:---\n.*?\n---\s*)?(?:%%[^\n]*\n\s*)*(?:graph|flowchart)\b", re.DOTALL)
_NODE = re.compile(
    r"\s*(?P<id>\w+)(?:\s*(?P<shape>[\[({]+|>)[/\\]?\s*(?:\"(?P<quoted>[^\"]*)\"|(?P<plain>[^\"\[\](){}|]*))\s*[/\\]?[\])}]+)?(?::::?\w+)?"
)
_LINK = re.compile(
    r"\s*<?(?:--+|==+|-\.+-?)(?:(?<!-)>|>|\s+\"?(?P<said>[^\s\"|>-][^\"|>]*?)\"?\s*(?:--+|==+|\.+-)>)\s*"
    r"(?:\|\s*\"?(?P<label>[^|\"]*?)\"?\s*\|)?"
)
_AND = re.compile(r"\s*&")
_OTHER = re.compile(r"\s*(?:subgraph|end|style|class|classDef|click|linkStyle|direction|%%)\b|\s*%%")
_BREAK = re.compile(r"\s*<br\s*/?>\s*|\\n", re.IGNORECASE)
_OVER = re.compile(r"(?:start|end|stop|done|begin|finish\w*|resolved|ende|fin|fertig|inicio|fim|koniec)\W*$", re.IGNORECASE)
#: nodes of a chart that are looked at, and ways to one that are told apart
_MOST = 400
_MOST_WAYS = 12
#: the answers on a way: who was asked, and what was answered
Way: TypeAlias = tuple[tuple[str, str], ...]
Ways: TypeAlias = list[Way]


@dataclass(slots=True)
class Node:
    """One node with the words in it and the first line that names it."""

    name: str
    line: int
    asked: bool = False


@dataclass(slots=True)
class Chart:
    """A chart: nodes by their ids, and arrows with the words on them."""

    nodes: dict[str, Node] = field(default_factory=dict)
    arrows: list[tuple[str, str, str, int]] = field(default_factory=list)

    @property
    def asks(self) -> bool:
        """Whether an answer leads on from some node that is asked."""
        return any(label and self.nodes[source].asked for source, _, label, _ in self.arrows)


def read_chart(text: str, line: int) -> Chart | None:
    """Read the nodes and arrows; None where the text is another kind of diagram."""
    if not _CHART.match(text):
        return None
    chart = Chart()
    for offset, row in enumerate(text.split("\n")):
        if not _OTHER.match(row):
            for statement in row.split(";"):
                _statement(chart, statement, line + offset)
    return chart


def _statement(chart: Chart, row: str, line: int) -> None:
    before, at = _group(chart, row, 0, line)
    while before and (link := _LINK.match(row, at)):
        after, at = _group(chart, row, link.end(), line)
        label = " ".join((link["label"] or link["said"] or "").split())
        chart.arrows += [(source, target, label, line) for source in before for target in after]
        before = after


def _group(chart: Chart, row: str, at: int, line: int) -> tuple[list[str], int]:
    """Take nodes that stand together, `A & B`; gives their ids and where they end."""
    found: list[str] = []
    while (match := _NODE.match(row, at)) and len(chart.nodes) < _MOST:
        name = " ".join(_BREAK.sub(" ", match["quoted"] or match["plain"] or "").split())
        node = chart.nodes.setdefault(match["id"], Node(match["id"], line))
        if name:
            node.name, node.line = name, line
            node.asked = (match["shape"].startswith("{") and not match["shape"].startswith("{{")) or name.endswith(("?", "？"))
        found.append(match["id"])
        at = match.end()
        joined = _AND.match(row, at)
        if joined is None:
            break
        at = joined.end()
    return found, at


def read_flowchart(text: str, line: int) -> tuple[Drawn, ...] | None:
    """Read what a chart says is to be done; None where nothing in it is asked.

    >>> [(one.text, one.when) for one in read_flowchart("graph TD\\nA{Is it up?} -->|No| B[Restart it]", 1)]
    [('Restart it', ('it is not up',))]
    """
    chart = read_chart(text, line)
    if chart is None or not chart.asks:
        return None
    under: dict[str, Ways] = {}
    found: list[Drawn] = []
    onward = _forward(chart)
    for one in _in_order(chart, onward):
        node = chart.nodes[one]
        ways = {
            (*way, *(((source, label),) if label and chart.nodes[source].asked else ()))
            for source, target, label, _ in onward
            if target == one
            for way in under[source]
        }
        shared, under[one] = _joined(chart, sorted(ways))
        when = tuple(case_of_answer(chart.nodes[asked].name, label) for asked, label in shared)
        either = len(under[one]) > 1
        if either:
            rest = (way[len(shared) :] for way in under[one])
            when += (", or ".join(" and ".join(case_of_answer(chart.nodes[a].name, label) for a, label in way) for way in rest),)
        told = bool(when) or (is_instruction(node.name) and not BEGINS.search(node.name))
        if told and not node.asked and not _OVER.match(node.name):
            found.append(Drawn(node.line, node.name, when, either))
    return tuple(found) if any(one.when for one in found) else None


def _forward(chart: Chart) -> list[tuple[str, str, str, int]]:
    """Give the arrows without those that lead back to where one came from."""
    leading: dict[str, list[tuple[str, str, str, int]]] = {}
    for arrow in chart.arrows:
        leading.setdefault(arrow[0], []).append(arrow)
    kept: list[tuple[str, str, str, int]] = []
    done: set[str] = set()
    targets = {target for _, target, _, _ in chart.arrows}
    for first in [*(one for one in chart.nodes if one not in targets), *chart.nodes]:
        if first in done:
            continue
        way = {first}
        stack = [(first, iter(leading.get(first, ())))]
        while stack:
            one, arrows = stack[-1]
            arrow = next(arrows, ("", "", "", 0))
            if not arrow[1]:
                stack.pop()
                way.discard(one)
                done.add(one)
            elif arrow[1] not in way:
                kept.append(arrow)
                if arrow[1] not in done:
                    way.add(arrow[1])
                    stack.append((arrow[1], iter(leading.get(arrow[1], ()))))
    return kept


def _in_order(chart: Chart, arrows: list[tuple[str, str, str, int]]) -> list[str]:
    """Give the nodes so that none stands before what leads to it; else as they are written, branch by branch."""
    left = dict.fromkeys(chart.nodes, 0)
    for _, target, _, _ in arrows:
        left[target] += 1
    ready = [one for one in reversed(chart.nodes) if not left[one]]
    order: list[str] = []
    while ready:
        one = ready.pop()
        order.append(one)
        freed: list[str] = []
        for source, target, _, _ in arrows:
            if source == one:
                left[target] -= 1
                if not left[target]:
                    freed.append(target)
        ready += reversed(freed)
    return order


def _joined(chart: Chart, ways: Ways) -> tuple[Way, Ways]:
    """Give what all ways to a node share, from the first question on, and the ways that are still to be told apart."""
    shared: list[tuple[str, str]] = []
    for cases in zip(*ways, strict=False):
        if len(set(cases)) > 1:
            break
        shared.append(cases[0])
    common = tuple(shared)
    if len(ways) < 2 or _leave_nothing_out(chart, [way[len(common) :] for way in ways]):
        return common, [common]
    return common, ways[:_MOST_WAYS]


def _leave_nothing_out(chart: Chart, ways: Ways) -> bool:
    """Whether one of the ways is taken, whatever is answered."""
    if not all(ways):
        return True
    asked = {way[0][0] for way in ways}
    if len(asked) > 1:
        return False
    answers = {label for source, _, label, _ in chart.arrows if source in asked}
    return answers == {way[0][1] for way in ways} and all(
        _leave_nothing_out(chart, [way[1:] for way in ways if way[0][1] == answer]) for answer in answers
    )
