"""Gather what stands beside an alert in the same fence: how soon to respond, how long it must hold, what to do."""

from __future__ import annotations

import re

from watchkeeper.base.durations import find_durations, parse_duration
from watchkeeper.book.read.passages import Passage, Passages
from watchkeeper.book.read.severity_words import severity_code, severity_word
from watchkeeper.book.vocabulary import IMMEDIATE, matcher

_IMMEDIATE = matcher(IMMEDIATE)
_ACTIONS = frozenset({"action", "actions", "response actions", "do", "what to do", "aktionen", "maßnahmen", "acciones", "ações"})
_ITEM = re.compile(r"(?:\d+[.)]|[-*•+])\s")


class AlertBlock:
    """A fenced or labelled block "Alert: … / Response: … / Actions: …"."""

    def __init__(self, lines: set[int]):
        self.lines = lines
        self.respond_within_s: float | None = None
        self.for_s: float | None = None
        self.severity: str | None = None
        self.actions: list[str] = []


def alert_blocks(passages: Passages) -> dict[int, list[tuple[int, AlertBlock]]]:
    """Gather by fence (its id) what stands beside each alert in it, with the line on which that alert begins."""
    blocks: dict[int, list[tuple[int, AlertBlock]]] = {}
    for passage in passages.all:
        if passage.kind != "fence" or passage.block is None:
            continue
        entries = blocks.setdefault(id(passage.block), [])
        name = passage.label.lower()
        if not entries or name == "alert" or (name in ("name", "id") and _begins(passage)):
            entries.append((passage.line, AlertBlock(set())))
        block = entries[-1][1]
        if name in ("response", "response time", "respond within", "reaktion", "respuesta", "réponse", "resposta"):
            block.respond_within_s = response_of(passage.body)
        elif name in ("severity", "priority", "schweregrad"):
            block.severity = severity_code(passage.body) or severity_word(passage.body)
        elif name in ("for", "duration", "dauer", "window", "durée", "duración", "duração") and passage.body:
            block.for_s = parse_duration(passage.body)
        elif name in _ACTIONS:
            block.actions.extend([passage.body] if passage.body else [])
            block.lines.add(passage.line)
        elif block.lines and (not passage.label or _item(passage)):
            block.actions.append(passage.text)
    return blocks


def block_at(blocks: dict[int, list[tuple[int, AlertBlock]]], passage: Passage) -> AlertBlock | None:
    """Give the alert of a fence that a line belongs to; a first one that only names things shares what follows."""
    entries = blocks.get(id(passage.block), []) if passage.kind == "fence" else []
    return next((block for line, block in reversed(entries) if line <= passage.line), None)


def _begins(passage: Passage) -> bool:
    """Whether the line of a fence begins an entry of a list ("- name: …")."""
    return _row(passage).startswith("- ")


def _item(passage: Passage) -> bool:
    """Whether the line of a fence is an item of a list, so that its first words are no label though a colon follows them."""
    return _ITEM.match(_row(passage)) is not None


def _row(passage: Passage) -> str:
    rows = passage.block.text.split("\n") if passage.block is not None else []
    at = passage.line - (passage.block.line if passage.block is not None else 0)
    return rows[at].lstrip() if 0 <= at < len(rows) else ""


def response_of(text: str) -> float | None:
    """Read how soon somebody must respond, in seconds; "immediately" is 0."""
    if _IMMEDIATE.search(text) and not re.search(r"\d", text):
        return 0.0
    return next((d.high_s for d in find_durations(text)), None)
