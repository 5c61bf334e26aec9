"""Writes an annotated watchkeeper.toml for a book: everything the book needs, and what is still missing.

A book enters, text leaves. What the book does not say stands there as a variable without a value or as a comment that begins
with "missing", never as a guess; once the variables are set the file loads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from watchkeeper.base.words import words
from watchkeeper.book.model import Book, Component, Contact, Threshold
from watchkeeper.estate.clients import EXAMPLES, lines_without_client
from watchkeeper.estate.states import name_in
from watchkeeper.estate.units import factor
from watchkeeper.estate.variables import NAME

#: kind -> (words of the book's metric, reading), the first that fits wins
_KINDS: tuple[tuple[str, frozenset[str], str], ...] = (
    ("postgres", frozenset({"database", "connection"}), "connections_percent"),
    ("postgres", frozenset({"replication", "lag"}), "replication_lag_seconds"),
    ("redis", frozenset({"queue"}), "list_celery"),
    ("redis", frozenset({"cache", "hit"}), "hit_percent"),
    ("redis", frozenset({"redis", "memory"}), "memory_percent"),
    ("http", frozenset({"certificate"}), "cert_days"),
    (
        "prometheus",
        frozenset({"error"}),
        'percent(rate(http_requests_total{status=~"5.."}[1m]), rate(http_requests_total[1m]))',
    ),
    ("prometheus", frozenset({"response", "time"}), "quantile(0.95, http_request_duration_seconds_bucket[1m])"),
    ("prometheus", frozenset({"request", "rate"}), "rate(http_requests_total[1m])"),
)
_MADE_WITH = {
    "postgres": frozenset({"postgre", "postgres", "postgresql"}),
    "redis": frozenset({"redi", "redis", "valkey"}),
    "command": frozenset({"worker", "celery", "cron", "scheduler"}),
}
_OPTIONS = {
    "http": ("url", "address that answers 200 while all is well"),
    "tcp": ("address", "host:port"),
    "postgres": ("dsn", "host=… port=… dbname=… user=…; a role with pg_monitor sees all readings"),
    "redis": ("url", "redis://host:port/0"),
    "prometheus": ("url", "address of the page with the metrics"),
}


@dataclass
class _Proposal:
    """A signal that would decide some thresholds."""

    name: str
    kind: str
    component: str | None
    metrics: dict[str, tuple[str, Threshold]] = field(default_factory=dict)


def annotated_toml(book: Book, runbook: Path) -> str:
    """Write the file for a book."""
    proposals = _proposals(book)
    service = _slug(book.service or book.title or runbook.stem)
    runbook_name = "." if runbook.is_dir() else runbook.name
    parts = [
        f"# Binds {runbook.name} to the machines on which the service runs. What is still missing is marked so.",
        f"\n[service]\nname = {_text(service)}\nrunbook = {_text(runbook_name)}",
        'mode = "ask"    # observe, ask or act',
        *_variables(book, proposals),
        '\n# Where the commands of the procedures run.\n[targets.local]\nkind = "shell"\ndirectory = "."',
        '# path = ["bin"]\ntimeout = "5m"',
        *_clients(book),
        "\n# Signals: each looks at one thing; a line below `metrics` says which reading is which metric of the book.",
        *(line for proposal in proposals for line in _signal(proposal)),
        *_unwatched(book, proposals),
        *_people(book),
        *_policy(book),
    ]
    return "\n".join(parts) + "\n"


def _clients(book: Book) -> Iterator[str]:
    """Propose the clients that lines in SQL, Redis' words and the like wait for."""
    for option, lines in lines_without_client(book, ()).items():
        shown = ", ".join(lines[:5])
        yield f"# {EXAMPLES[option]}    # missing: what line {shown} of the book is given to"


def _variables(book: Book, proposals: Iterable[_Proposal]) -> Iterator[str]:
    yield '\n# What the book\'s commands and the signals need; a value may also be a literal, or { file = "path" }.'
    yield "# Secrets come from the environment or a file alone.\n[variables]"
    seen = set()
    for placeholder in book.placeholders:
        name = re.sub(r"[${}]", "", placeholder.token).split(":")[0]
        if placeholder.kind == "env" and NAME.fullmatch(name) and name not in seen:
            seen.add(name)
            lines = ", ".join(str(line) for line in (placeholder.lines or (placeholder.line,))[:5])
            yield f"{name} = {{ env = {_text(name)} }}    # missing: used in line {lines} of the book"
    for proposal in proposals:
        option = _OPTIONS.get(proposal.kind)
        name = _variable(proposal)
        if option and name not in seen:
            seen.add(name)
            yield f"{name} = {{ env = {_text(name)} }}    # missing: {option[1]}"
    others = [placeholder for placeholder in book.placeholders if placeholder.kind in ("angle", "bracket", "brace")]
    for placeholder in others[:50]:
        yield f"# line {placeholder.line}: {_one_line(placeholder.token)} is to be filled in by a person"


def _signal(proposal: _Proposal) -> Iterator[str]:
    yield f"\n[signals.{proposal.name}]\nkind = {_text(proposal.kind)}"
    if proposal.component:
        yield f"component = {_text(proposal.component)}"
    if proposal.kind == "command":
        yield 'command = "exit 127"    # missing: a command whose exit status is 0 while all is well, or that prints the number'
    else:
        yield f'{_OPTIONS[proposal.kind][0]} = "${_variable(proposal)}"'
    if any(reading == "list_celery" for reading, _ in proposal.metrics.values()):
        yield 'lists = ["celery"]    # the list that is the queue'
    yield f'every = "15s"\ntimeout = "5s"\n[signals.{proposal.name}.metrics]'
    for metric, (reading, threshold) in proposal.metrics.items():
        check = "    # check the names of the series" if proposal.kind == "prometheus" else ""
        yield f"# line {threshold.line}: {_one_line(threshold.text or threshold.subject)}"
        yield f"{_text(metric)} = {_text(reading)}{check}"


def _unwatched(book: Book, proposals: list[_Proposal]) -> Iterator[str]:
    """Say that nothing would be watched, and why, where the book has no threshold that fires."""
    if not proposals:
        yield "# missing: no threshold of the book raises an alert, so nothing is watched and nothing runs by itself;"
        yield "# a line such as `- Error rate > 5% for 5 minutes` below a heading that speaks of alerts is one."
        for threshold in [threshold for threshold in book.thresholds if threshold.role == "objective"][:20]:
            yield f"# line {threshold.line} is an objective only: {_one_line(threshold.text or threshold.subject)}"


def _people(book: Book) -> Iterator[str]:
    yield "\n# Who is told: the book's own role words, and addresses as Apprise writes them, tried in order."
    yield '# access = "responder" lets one of them answer in the console and by links (docs/guide/people.md); one is "owner".'
    roles = dict.fromkeys(rung.role for rung in sorted(book.escalation, key=lambda rung: rung.level))
    known = {words(role) for role in roles}
    others = [contact for contact in book.contacts if words(contact.role) not in known]
    if not roles:
        roles, others = dict.fromkeys(contact.role for contact in book.contacts), []
    taken: set[str] = set()
    for role in roles:
        yield f"\n[people.{_unique(_slug(role), taken)}]\nname = {_text(_one_line(role))}    # missing: who this is"
        reached = next((contact for contact in book.contacts if _is_reach(contact, role)), None)
        own = f"; line {reached.line} has {_one_line(reached.email or reached.phone or '')}" if reached else ""
        yield f'roles = [{_text(_one_line(role))}]\nnotify = []    # missing: for example "mailto://user:password@example.com"{own}'
    for contact in others:
        reach = contact.phone or contact.email or contact.channel or "no address"
        yield f"# line {contact.line}: {_one_line(contact.role)}, {_one_line(reach)}"


def _is_reach(contact: Contact, role: str) -> bool:
    return words(contact.role) == words(role) and bool(contact.email or contact.phone)


def _policy(book: Book) -> Iterator[str]:
    codes = [severity.code for severity in book.severities[:1]]
    yield "\n# What may run without a person. As it stands: reading runs, everything else asks.\n[policy]"
    allowed = ", ".join(_text(code) for code in codes)
    yield f"# change = {{ allow = [{allowed}] }}    # severities in which a change may run unattended"
    yield 'hold = "60s"    # how long all must be well again before an incident counts as recovered'
    yield '\n# [[policy.rule]]    # an exception for one act\n# procedure = "…"'
    yield '# command = "…"    # exactly as in the book\n# allow = "ask"    # run, ask or never'


def _proposals(book: Book) -> list[_Proposal]:
    """Group the alert thresholds by the signal that could decide them."""
    found: dict[str, _Proposal] = {}
    seen: set[str] = set()
    for threshold in book.thresholds:
        metric = _one_line(name_in(threshold.subject, threshold.state or "down") if threshold.op == "is" else threshold.subject)
        if threshold.role != "alert" or not metric or metric.casefold() in seen:
            continue
        seen.add(metric.casefold())
        component = _component(book, metric)
        kind, reading = _kind(threshold, metric, component)
        component = component or next((part for part in book.components if kind != "command" and _is_made_with(part, kind)), None)
        label = component.name if component else "" if kind != "command" else metric
        name = _slug(label if kind == "command" or words(label) & _MADE_WITH.get(kind, frozenset()) else f"{label} {kind}")
        proposal = found.setdefault(name, _Proposal(name, kind, component.name if component else None))
        proposal.metrics[metric] = (reading, threshold)
    return list(found.values())


def _component(book: Book, metric: str) -> Component | None:
    """Find the component that a metric's words name, the longest name first."""
    said = words(metric)
    fitting = [component for component in book.components if words(component.name) <= said]
    return max(fitting, key=lambda component: len(words(component.name)), default=None)


def _kind(threshold: Threshold, metric: str, component: Component | None) -> tuple[str, str]:
    """Propose a kind of signal and its reading for a threshold."""
    if threshold.op == "is":
        kinds = [kind for kind in _MADE_WITH if component and _is_made_with(component, kind)]
        return (kinds[0] if kinds else "http" if component else "command"), "up"
    said = words(f"{threshold.metric or ''} {metric}")
    fitting = (
        (kind, reading) for kind, wanted, reading in _KINDS if wanted <= said and factor(reading, threshold.unit) is not None
    )
    return next(fitting, ("command", "value"))


def _is_made_with(component: Component, kind: str) -> bool:
    made_with = words(f"{component.name} {component.technology or ''}")
    return bool(made_with & _MADE_WITH.get(kind, frozenset()))


def _variable(proposal: _Proposal) -> str:
    option = _OPTIONS.get(proposal.kind, ("", ""))[0]
    name = re.sub(r"[^A-Za-z0-9]+", "_", f"{proposal.name}_{option}").strip("_").upper()
    return name if NAME.fullmatch(name) else f"SIGNAL_{name}"


def _slug(text: str) -> str:
    """Give a name that can be a bare key: letters and digits of the text, hyphens between."""
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")[:60] or "service"


def _unique(name: str, taken: set[str]) -> str:
    while name in taken:
        name = f"{name}-2"
    taken.add(name)
    return name


def _text(value: str) -> str:
    """Write a TOML text, without escapes where it can be."""
    if '"' in value and "'" not in value and "\\" not in value and value.isprintable():
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _one_line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f\s]+", " ", text).strip()
