"""Whom outside an incident concerns: the vendors among the book's contacts that its cause or its procedure speaks of. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from watchkeeper.base.words import likeness, words
from watchkeeper.book.model import Book, Contact, Procedure

_BESIDE = re.compile(r"\s*[(:–—-]\s.*$|\s*\(.*$")
#: what vendors are called beside their names
_COMMON = re.compile(r"\b(?:support|vendor|provider|service|account|team|contact|plan)\b", re.IGNORECASE)


def vendors(book: Book, components: Iterable[str], procedure: Procedure | None = None) -> list[Contact]:
    """Give the contacts beside the ladder that are named like a component or what it is made with, or in the procedure."""
    named = [words(name) for name in components]
    made_with = [words(c.technology) for c in book.components if c.technology and any(likeness(words(c.name), n) for n in named)]
    told = " ".join(_texts(procedure)) if procedure is not None else ""
    ladder = [words(rung.role) for rung in book.escalation]
    found = []
    for contact in book.contacts:
        name = _COMMON.sub("", _BESIDE.sub("", contact.role)).strip()
        said = words(name)
        if (
            not said
            or any(likeness(words(contact.role), rung) for rung in ladder)
            or not (contact.email or contact.phone or contact.channel)
        ):
            continue
        alike = any(likeness(said, each) for each in (*named, *made_with))
        in_steps = name[:1].isupper() and re.search(rf"\b{re.escape(name)}\b", told) is not None
        if alike or in_steps:
            found.append(contact)
    return found


def _texts(procedure: Procedure) -> Iterable[str]:
    yield procedure.title
    for step in procedure.steps:
        yield step.text
