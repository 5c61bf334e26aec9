"""Writes an annotated watchkeeper.toml for a book: everything the book needs, and what is still missing.

A book enters, text leaves. What the book does not say stands there as a variable without a value or as a comment that begins
with "missing", never as a guess; once the variables are set the file loads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from watchkeeper.base.words import words
from watchkeeper.book.model import Book, Contact, Metric, Threshold
from watchkeeper.estate.alerting import KINDS
from watchkeeper.estate.clients import EXAMPLES, lines_without_client
from watchkeeper.estate.offers import SECRET, evidence, offers
from watchkeeper.estate.proposals import COMMAND, Line, Proposal, metric_of, one_line, propose, slug
from watchkeeper.estate.variables import NAME


def annotated_toml(book: Book, runbook: Path, ladder: Sequence[str] = ()) -> str:
    """Write the file for a book; `ladder` says who is told when, of one that has no ladder of its own."""
    proposals, unread = propose(book, offers())
    service = slug(book.service or book.title or runbook.stem)
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
        *_unread(unread),
        *_unwatched(book),
        *_hooks(book),
        *_people(book, ladder),
        *_policy(book),
    ]
    return "\n".join(parts) + "\n"


def _clients(book: Book) -> Iterator[str]:
    """Propose the clients that lines in SQL, Redis' words and the like wait for."""
    for option, lines in lines_without_client(book, ()).items():
        shown = ", ".join(lines[:5])
        yield f"# {EXAMPLES[option]}    # missing: what line {shown} of the book is given to"


def _variables(book: Book, proposals: Iterable[Proposal]) -> Iterator[str]:
    yield '\n# What the book\'s commands and the signals need; a value may also be a literal, or { file = "path" }.'
    yield "# Secrets come from the environment or a file alone.\n[variables]"
    seen: set[str] = set()
    for placeholder in book.placeholders:
        name = re.sub(r"[${}]", "", placeholder.token).split(":")[0]
        if placeholder.kind == "env" and NAME.fullmatch(name) and name not in seen:
            seen.add(name)
            lines = ", ".join(str(line) for line in (placeholder.lines or (placeholder.line,))[:5])
            yield f"{name} = {{ env = {_text(name)} }}    # missing: used in line {lines} of the book"
    yield from variable_lines(proposals, seen)
    others = [placeholder for placeholder in book.placeholders if placeholder.kind in ("angle", "bracket", "brace")]
    for placeholder in others[:50]:
        yield f"# line {placeholder.line}: {one_line(placeholder.token)} is to be filled in by a person"


def variable_lines(proposals: Iterable[Proposal], seen: set[str]) -> Iterator[str]:
    """Give the lines of the variables that proposed signals take their addresses and secrets from."""
    for proposal in proposals:
        option, name = _address(proposal), _variable(proposal)
        if option and name not in seen:
            seen.add(name)
            hint = proposal.offer.options[option] if proposal.offer else ""
            yield f"{name} = {{ env = {_text(name)} }}    # missing: {one_line(hint)}"
        for option in (option for option, value in _needs(proposal).items() if value == SECRET):
            name, hint = _variable_of(proposal, option), proposal.offer.options[option] if proposal.offer else ""
            yield f"{name} = {{ env = {_text(name)}, secret = true }}    # missing: {one_line(hint)}"


def _signal(proposal: Proposal) -> Iterator[str]:
    yield from signal_lines(proposal)
    yield f"[signals.{proposal.name}.metrics]"
    for line in proposal.lines:
        yield from metric_lines(line)


def signal_lines(proposal: Proposal) -> Iterator[str]:
    """Give the lines of a signal without its metrics."""
    yield f"\n[signals.{proposal.name}]\nkind = {_text(proposal.kind)}"
    if proposal.component:
        yield f"component = {_text(proposal.component)}"
    if proposal.kind == COMMAND:
        yield 'command = "exit 127"    # missing: a command whose exit status is 0 while all is well, or that prints the number'
    elif option := _address(proposal):
        yield f'{option} = "${_variable(proposal)}"'
    for needed, value in _needs(proposal).items():
        if value == SECRET:
            yield f'{needed} = "${_variable_of(proposal, needed)}"'
        else:
            hint = proposal.offer.options[needed] if proposal.offer else ""
            yield f"{needed} = {value}    # missing: {one_line(hint)}"
    yield from proposal.extra
    yield 'every = "15s"\ntimeout = "5s"'


def metric_lines(line: Line) -> Iterator[str]:
    """Give the line that binds one metric of the book, below what the book says."""
    wanted = line.wanted
    said = f"line {wanted.line}: {one_line(getattr(wanted, 'text', '') or wanted.subject)}"
    if isinstance(wanted, Metric):
        said = f"line {wanted.line} names it without a threshold: {one_line(wanted.subject)}"
    elif wanted.role == "objective":
        said = f"line {wanted.line}, an objective: {one_line(wanted.text or wanted.subject)}"
    others = " or ".join(f"{kind} ({reading})" for kind, reading in line.others if "(" not in reading)
    yield f"# {said}{f'; also read by {others}' if others else ''}"
    if line.reading:
        yield f"{_text(line.metric)} = {_text(line.reading)}{'    # check the names in it' if line.check else ''}"
    else:
        yield "# asked as the book has it, without a line here"


def _unread(unread: Iterable[Threshold | Metric]) -> Iterator[str]:
    """Name the objectives and metrics that no kind of signal reads by itself."""
    for wanted in unread:
        what = "an objective" if isinstance(wanted, Threshold) else "a metric"
        yield f"# missing: line {wanted.line} of the book has {what} that no kind reads by itself: {one_line(wanted.subject)};"
        yield f'#   a signal with {_text(metric_of(wanted))} = "<reading>" below its metrics shows it.'


def _unwatched(book: Book) -> Iterator[str]:
    """Say that nothing would fire, and why, where the book has no threshold that does."""
    if not any(threshold.role == "alert" for threshold in book.thresholds):
        yield "# missing: no threshold of the book raises an alert, so only a spent error budget does;"
        yield "# a line such as `- Error rate > 5% for 5 minutes` below a heading that speaks of alerts is one."
        for threshold in [threshold for threshold in book.thresholds if threshold.role == "objective"][:20]:
            yield f"# line {threshold.line} is an objective only: {one_line(threshold.text or threshold.subject)}"


def _hooks(book: Book) -> Iterator[str]:
    """Show how others send their alerts, for the first of the senders that the book names."""
    shown = evidence(book)
    named = [kind for kind in KINDS if words(kind.replace("-", " ")) <= shown]
    kind = next(iter(named), "alertmanager")
    token = f"{kind.upper().replace('-', '_')}_TOKEN"
    said = f" The book speaks of {' and '.join(named)}." if named else ""
    yield f"\n# Alerts that others send come in at /hooks/NAME (docs/guide/alerts.md).{said}"
    yield f"# [hooks.{kind}]\n# kind = {_text(kind)}    # one of {', '.join(KINDS)}"
    yield f'# token = "${token}"    # and {token} = {{ env = "{token}", secret = true }} below [variables]'
    yield f"# [signals.{kind}-deliveries]    # when it last delivered, and how many deliveries were refused"
    yield f'# kind = "deliveries"\n# sender = {_text(kind)}'


def _people(book: Book, ladder: Iterable[str]) -> Iterator[str]:
    yield "\n# Who is told: the book's own role words, and addresses as Apprise writes them, tried in order."
    yield '# access = "responder" lets one of them answer in the console and by links (docs/guide/people.md); one is "owner".'
    if not book.escalation:
        yield from _without_ladder(ladder)
    roles = dict.fromkeys(rung.role for rung in sorted(book.escalation, key=lambda rung: rung.level))
    known = {words(role) for role in roles}
    others = [contact for contact in book.contacts if words(contact.role) not in known]
    if not roles:
        roles, others = dict.fromkeys(contact.role for contact in book.contacts), []
    taken: set[str] = set()
    for role in roles:
        yield f"\n[people.{_unique(slug(role), taken)}]\nname = {_text(one_line(role))}    # missing: who this is"
        reached = next((contact for contact in book.contacts if _is_reach(contact, role)), None)
        own = f"; line {reached.line} has {one_line(reached.email or reached.phone or '')}" if reached else ""
        yield f'roles = [{_text(one_line(role))}]\nnotify = []    # missing: for example "mailto://user:password@example.com"{own}'
    for contact in others:
        reach = contact.phone or contact.email or contact.channel or "no address"
        yield f"# line {contact.line}: {one_line(contact.role)}, {one_line(reach)}"


def _without_ladder(ladder: Iterable[str]) -> Iterator[str]:
    """Say who would be told when, of a book that has no ladder."""
    yield "# The book has no ladder. As it stands:"
    for sentence in ladder:
        yield f"#   {one_line(sentence)}"
    yield "# A list below a heading “Escalation” of the book changes that: `1. On-call engineer (15 minutes)`, `2. Team lead` …"
    yield '# [service] hours = "Mon-Fri 09:00-17:00 Europe/Berlin" and holidays = ["12-25"] say what business hours are.'


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


def _address(proposal: Proposal) -> str | None:
    return proposal.offer.address if proposal.offer and proposal.kind != COMMAND else None


def _needs(proposal: Proposal) -> Mapping[str, str]:
    """Give what the kind cannot look without, except for what the proposed readings bring themselves."""
    needs = proposal.offer.needs if proposal.offer and proposal.kind != COMMAND else {}
    if proposal.offer and proposal.offer.speaks and not all(line.reading for line in proposal.lines):
        needs = {option: value for option, value in needs.items() if value == SECRET}  # what it asks is the book's
    return {option: value for option, value in needs.items() if not any(line.startswith(f"{option}.") for line in proposal.extra)}


def _variable(proposal: Proposal) -> str:
    return _variable_of(proposal, _address(proposal) or "")


def _variable_of(proposal: Proposal, option: str) -> str:
    name = re.sub(r"[^A-Za-z0-9]+", "_", f"{proposal.name}_{option}").strip("_").upper()
    return name if NAME.fullmatch(name) else f"SIGNAL_{name}"


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
