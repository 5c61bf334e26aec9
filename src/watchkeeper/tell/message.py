"""Words for people: the book's own templates filled in, or plain words of ours where one cannot be filled truly.

A template and facts enter, a message leaves. What nothing fills is named in `missing`, and such a message is a draft that is
never sent: then ours is. Values are put in once and never read as templates themselves; in JSON they are escaped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from ftfy.badness import is_bad

from watchkeeper.alert.graph import graph_of
from watchkeeper.base.durations import format_duration
from watchkeeper.base.errors import InputError
from watchkeeper.book.model import Book, Template
from watchkeeper.incident.model import Incident
from watchkeeper.incident.rules import update_every_s
from watchkeeper.tell.model import Message
from watchkeeper.tell.words import BY_LABEL, GENERAL, NEXT_UPDATE, STATUS, kind_of, meaning_of

_HTML = r"/|!|(?:b|i|u|s|a|p|br|hr|em|li|ul|ol|td|tr|th|div|pre|span|code|table|strong|h[1-6])\b[^<>]*>|[^<>\s]*[:@]"
_SLOT = re.compile(
    r"\{\{\s*(?P<double>[^{}\n]{1,100}?)\s*\}\}"
    r"|\$\{(?P<shell>[A-Za-z_]\w*)\}"
    r'|\{(?P<single>[A-Za-z][^{}"\n]{0,80})\}'
    r"|\[(?P<square>(?!\s?\]|[xX]\]|\d+\])[^\[\]\n]{1,100})\](?!\()"
    rf"|<(?P<angle>(?!{_HTML})[A-Za-z][^<>\n=|]{{0,80}})>"
    r"|\$(?P<variable>[A-Z][A-Z0-9_]{2,})"
    r"|(?<!\w)(?P<word>X{3,}|Y{4}[-/]M{2}[-/]D{2}(?:[ T]H{2}:M{2}(?::S{2})?)?|H{2}:M{2}(?::S{2})?|_{3,})(?!\w)"
)
_BEFORE_UPDATE = re.compile(rf"(?:{NEXT_UPDATE})[^.!?\n]{{0,20}}$", re.IGNORECASE)
#: a label before a slot, in the same sentence
_LABEL = re.compile(r"([^\n:.]{1,40}):(?:(?![.!?;]\s)[^:\n])*$")

_PROSE = re.compile(r"[a-z],? $")
_PREFIX = {"resolution": "Resolved: ", "update": "Update: ", "escalation": "Escalated: ", "ask": "Question: ", "late": "Late: ",
           "severity": "Graver: ", "proposal": "Proposed: "}  # fmt: skip
#: of a text that a person writes
LONGEST_TEXT = 5_000
_LEFT_OPEN = re.compile(r"\{\{.*?\}\}|\[[A-Z][A-Za-z_ ]{1,40}\]|<[a-z][a-z_ -]{1,40}>|\bTODO\b|\bX{3,}\b")
#: without one of these a first message would not say what is wrong
_TELLING = frozenset({"title", "cause", "service"})


def facts_of(incident: Incident, kind: str, now: datetime, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give what is known of an incident, and `more`, under the names that slots ask for; what is not known is not there."""
    person = incident.acknowledged_by if incident.acknowledged_by not in (None, "automation") else None
    end = incident.recovered_at or incident.resolved_at or now
    facts = {
        "title": incident.title,
        "severity": incident.severity or "",
        "service": incident.service,
        "cause": incident.cause or "",
        "status": STATUS.get(kind, STATUS["update"])[0],
        "began": _instant(incident.began_at),
        "duration": format_duration((end - incident.began_at).total_seconds()),
        "ended": _instant(end) if incident.recovered_at or incident.resolved_at else "",
        "owner": person or "",
        "id": incident.id,
        **(more or {}),
    }
    return {name: _one_line(value) for name, value in facts.items() if value.strip()}


def promised_update(book: Book, now: datetime) -> dict[str, str]:
    """Give when the next update is owed, for the slots that ask for it; nothing where the book promises none."""
    promised = update_every_s(book)
    return {"next_update": _instant(now + timedelta(seconds=promised[0]))} if promised else {}


def fill(template: Template, facts: Mapping[str, str], kind: str = "") -> Message:
    """Fill a template; `missing` names the slots for which there is no fact, which are then still in the body."""
    filler = _Filler(facts, kind, template.placeholders)
    found = _json_in(template.body)
    body = json.dumps(_in_strings(found, filler.fill), ensure_ascii=False, indent=2) if found else filler.fill(template.body)
    return Message(subject(facts), body.strip(), tuple(dict.fromkeys(filler.missing)))


def subject(facts: Mapping[str, str]) -> str:
    """Give the subject of a message: severity and title, on one line."""
    severity = f"[{facts['severity']}] " if facts.get("severity") else ""
    return _one_line(f"{severity}{facts.get('title', 'Incident')}")[:200]


def compose(kind: str, book: Book, incident: Incident, facts: Mapping[str, str]) -> Message:
    """Say a thing in the book's own words where a template of this kind can be filled wholly and truly, else in ours."""
    facts = {**_known(kind, book, incident), **facts}
    for template in book.templates:
        if kind_of(template) != kind or is_bad(template.body):
            continue
        filler = _Filler(facts, kind, template.placeholders)
        found = _json_in(template.body)
        if found is None and template.body.lstrip().startswith(("{", "curl")):
            continue
        body = _in_words(_in_strings(found, filler.fill)) if found else filler.fill(template.body)
        if filler.missing or (kind != "resolution" and not filler.used & _TELLING) or not body.strip():
            continue
        link = f"\n\n{facts['link']}" if facts.get("link") and facts["link"] not in body else ""
        return Message(_prefixed(kind, facts), body.strip() + link)
    return plain(kind, incident, facts)


def draft(kind: str, book: Book, incident: Incident, facts: Mapping[str, str]) -> Message:
    """Give a message for a person to finish: the book's own template, `missing` naming what nobody knows yet; else ours."""
    known = {**_known(kind, book, incident), **facts}
    for template in book.templates:
        if kind_of(template) == kind and not is_bad(template.body) and not template.body.lstrip().startswith(("{", "curl")):
            return fill(template, known, kind)
    return compose(kind, book, incident, facts)


def finished(text: str, book: Book) -> str:
    """Give a text that may be sent: it has words, not too many and none of them broken, and no slot is still to be filled in."""
    said = text.strip()
    if not said or len(said) > LONGEST_TEXT:
        raise InputError(f"That has {len(said)} characters.", hint=f"Write between 1 and {LONGEST_TEXT}.", code="WK199")
    tokens = {token for template in book.templates for token in template.placeholders if len(token) > 2}
    found = _LEFT_OPEN.search(said)
    slot = found[0] if found else next((token for token in sorted(tokens) if token in said), "")
    if slot:
        raise InputError(f"{slot!r} in it is still to be filled in.", hint="It would be read as it is.", code="WK199")
    if is_bad(said):
        raise InputError("It has characters that were broken on their way.", hint="Write them anew.", code="WK199")
    return said


def _known(kind: str, book: Book, incident: Incident) -> dict[str, str]:
    """Give what the book itself says beside the incident: who depends on the cause, and what is being done."""
    found: dict[str, str] = {}
    if incident.cause:
        graph = graph_of(book)
        above = [_one_line(name) for name in graph.above(graph.place(incident.cause))]
        needed = f", needed by {_and(above)}" if above else ""
        found["impact"] = f"{_one_line(incident.title)}{needed}"
    procedure = book.procedure(incident.procedure_id) if incident.procedure_id else None
    if procedure is not None:
        title = _one_line(procedure.title)
        found["done"] = f"“{title}” {'was' if kind == 'resolution' else 'is being'} carried out"
        found["next"] = f"to verify that “{title}” helped"
    return found


def _and(names: list[str]) -> str:
    if len(names) > 4:
        names = [*names[:3], f"{len(names) - 3} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def plain(kind: str, incident: Incident, facts: Mapping[str, str]) -> Message:
    """Say a thing in plain words of ours: how grave, what, since when, what is being done, where to look."""
    severity = f"{facts['severity']}: " if facts.get("severity") else ""
    lines = [f"{severity}{facts.get('title', incident.title)} (service {facts.get('service', incident.service)})."]
    if kind == "resolution":
        ended = f", until {facts['ended']}" if facts.get("ended") else ""
        lines.append(f"It is over. It lasted {facts.get('duration', 'a while')}, from {facts.get('began', 'its start')}{ended}.")
    else:
        lines.append(f"Since {facts.get('began', _instant(incident.began_at))}, for {facts.get('duration', 'a moment')}.")
    lines += [f"{word}: {facts[name]}" for word, name in (("Why you", "why"), ("Now", "done"), ("Question", "question"))
              if facts.get(name)]  # fmt: skip
    if facts.get("owner"):
        lines.append(f"{facts['owner']} has it.")
    if facts.get("link"):
        lines.append(facts["link"])
    return Message(_prefixed(kind, facts), "\n".join(lines))


def _prefixed(kind: str, facts: Mapping[str, str]) -> str:
    return f"{_PREFIX.get(kind, '')}{subject(facts)}"[:200]


class _Filler:
    """Fills the slots of one template and remembers what it used and what was missing."""

    def __init__(self, facts: Mapping[str, str], kind: str, tokens: tuple[str, ...]) -> None:
        self.facts, self.kind = facts, kind
        self.used: set[str] = set()
        self.missing: list[str] = []
        # the reader of the book may know slots that no pattern of ours does
        extra = "|".join(re.escape(t) for t in sorted(tokens, key=len, reverse=True) if t and not _SLOT.fullmatch(t))
        self._slot = re.compile(f"{_SLOT.pattern}|(?P<token>{extra})") if extra else _SLOT

    def fill(self, text: str) -> str:
        return self._slot.sub(lambda match: self._value(match, text), text)

    def _value(self, match: re.Match[str], text: str) -> str:
        slot = next(group for group in match.groups() if group is not None)
        label = _LABEL.search(text[: match.start()].rpartition("\n")[2])
        meaning = self._meaning(slot.replace("_", " "), label[1].strip() if label else "")
        if meaning == "began" and _BEFORE_UPDATE.search(text[: match.start()]):
            meaning = "next_update"
        value = self._choice(slot) or self.facts.get(meaning, "")
        if not value:
            self.missing.append(match[0])
            return match[0]
        self.used.add(meaning)
        # "reports of [issue]": a sentence inside a sentence is quoted
        return f"“{value}”" if meaning == "title" and _PROSE.search(text[: match.start()]) else value

    def _meaning(self, slot: str, label: str) -> str:
        own = slot.casefold() if slot.casefold() in self.facts else meaning_of(slot)
        by_label = meaning_of(label)
        if re.fullmatch(r"(?:SEV|P|S)[-\s]?\d", slot.strip(), re.IGNORECASE):
            return "severity"
        return by_label if own in GENERAL and (by_label in BY_LABEL or not own) else own

    def _choice(self, slot: str) -> str:
        """Answer a slot that offers its answers: "P0/P1/P2", "Investigating | Resolved"."""
        options = [option.strip() for option in re.split(r"[/|]", slot)]
        if len(options) < 2:
            return ""
        severity = self.facts.get("severity", "").casefold()
        pattern = STATUS.get(self.kind, STATUS["update"])[1]
        by_severity = (o for o in options if severity and o.casefold() == severity)
        by_status = (o for o in options if re.search(pattern, o, re.IGNORECASE))
        return next(by_severity, "") or next(by_status, "")


def _json_in(body: str) -> Any:
    """Find the JSON object of a body, which may be a command that posts it; None where there is none."""
    start, end = body.find("{"), body.rfind("}")
    if start < 0 or end < start or not body.lstrip().startswith(("{", "[", "curl", "#")):
        return None
    try:
        found = json.loads(body[start : end + 1])
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found else None


def _in_strings(value: Any, fill: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return fill(value)
    if isinstance(value, list):
        return [_in_strings(item, fill) for item in value]
    if isinstance(value, dict):
        return {key: _in_strings(item, fill) for key, item in value.items()}
    return value


def _in_words(value: Any) -> str:
    """Read a chat message's JSON aloud: its texts, and its fields as "Title: value"."""
    if isinstance(value, list):
        return "\n".join(filter(None, (_in_words(item) for item in value)))
    if not isinstance(value, dict):
        return ""
    if isinstance(value.get("title"), str) and isinstance(value.get("value"), str):
        return f"{value['title']}: {value['value']}"
    own = [value[key] for key in ("pretext", "title", "text", "fallback") if isinstance(value.get(key), str)][:1]
    return "\n".join(filter(None, own + [_in_words(item) for item in value.values() if isinstance(item, list | dict)]))


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
