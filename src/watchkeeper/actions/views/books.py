"""What the page of the runbook shows: its source, and each thing that was understood of it, at its line."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from sqlalchemy import Connection, select

from watchkeeper.actions.views.frame import read_frame, says
from watchkeeper.actions.views.model import BookView, FactView
from watchkeeper.actions.views.runs import procedure_lines
from watchkeeper.app import App
from watchkeeper.base.durations import format_duration
from watchkeeper.book.model import Book, Command
from watchkeeper.estate.ledger import books
from watchkeeper.estate.model import Bindings


async def the_book(app: App) -> BookView:
    """Show the runbook that is in force."""
    now = app.clock.now()

    def work(connection: Connection) -> BookView:
        row = connection.execute(select(books).where(books.c.digest == app.book.digest)).first()
        book = app.book
        return BookView(
            frame=read_frame(connection, app, now),
            title=book.title or app.estate.service,
            path=app.estate.runbook.name,
            digest=book.digest,
            read_at=row.at if row else None,
            source=row.source if row else "",
            facts=tuple(sorted(facts(book.of_file(app.estate.runbook.name), app.bindings), key=lambda fact: fact.line)),
            procedures=procedure_lines(book),
            counts=counts(book, app.bindings),
        )

    return await app.database.read(work)


def counts(book: Book, bindings: Bindings) -> dict[str, int]:
    """Count what was understood."""
    commands = len(book.commands) + sum(len(step.commands) for p in book.procedures for step in p.steps)
    found = {
        "procedures": len(book.procedures),
        "commands": commands,
        "thresholds": len(book.thresholds),
        "of them watched": sum(1 for b in bindings.bound if b.budget is None) + len(bindings.objectives),
        "severities": len(book.severities),
        "rungs": len(book.escalation),
        "contacts": len(book.contacts),
        "templates": len(book.templates),
        "schedules": len(book.schedules),
        "recovery promises": len(book.recovery),
        "findings": len(book.findings),
        "not understood": len(book.unread),
    }
    return {name: count for name, count in found.items() if count}


def facts(book: Book, bindings: Bindings) -> Iterator[FactView]:
    """Give each fact of a book with its line, in words."""
    yield from _thresholds(book, bindings)
    yield from _procedures(book)
    yield from _people(book)
    yield from _promises(book)
    for finding in book.findings:
        fix = f" Instead: {finding.fix}" if finding.fix else ""
        tone = {"error": "error", "warning": "pending"}.get(finding.severity, "")
        yield FactView(finding.line, finding.severity, f"{finding.message}{fix}", tone)
    for unread in book.unread:
        yield FactView(unread.line, "Not understood", f"{unread.why}", "blind")


def _thresholds(book: Book, bindings: Bindings) -> Iterator[FactView]:
    watched = (*bindings.bound, *bindings.objectives)
    bound = {(b.threshold.line, b.threshold.subject, b.threshold.op, b.threshold.value): b for b in watched}
    unbound = {(u.threshold.line, u.threshold.subject, u.threshold.op, u.threshold.value): u for u in bindings.unbound}
    for threshold in book.thresholds:
        key = (threshold.line, threshold.subject, threshold.op, threshold.value)
        said = " · ".join(part for part in (f"{threshold.subject} {says(threshold)}", threshold.severity) if part)
        kind = "Threshold" if threshold.role == "alert" else "Objective"
        if key in bound:
            yield FactView(
                threshold.line, kind, f"{said} · watched by {bound[key].signal}", "ok", f"/signals#signal-{bound[key].signal}"
            )
        elif key in unbound:
            yield FactView(threshold.line, kind, f"{said} · nothing watches it", "pending", "/signals")
        else:
            yield FactView(threshold.line, kind, said)


def _procedures(book: Book) -> Iterator[FactView]:
    for procedure in book.procedures:
        count = len(procedure.steps)
        said = f"{procedure.kind}, {count} {'step' if count == 1 else 'steps'}"
        yield FactView(procedure.line, "Procedure", said, "", f"/procedures/{procedure.id}")
        for step in procedure.steps:
            if step.when:
                yield FactView(step.line, "Branch", f"only if {step.when}")
            if step.caution:
                yield FactView(step.line, "Caution", step.caution, "pending")
            yield from (_command(command) for command in step.commands)
    yield from (_command(command) for command in book.commands)


def _command(command: Command) -> FactView:
    parts = [
        command.because or "",
        "never returns by itself" if command.endless else "",
        "waits for a person" if command.interactive else "",
    ]
    if command.placeholders:
        parts.append("to be filled in: " + ", ".join(command.placeholders))
    said = "; ".join(part.rstrip(".") for part in parts if part)
    where = f"{command.file}:{command.line}" if command.file else str(command.line)
    return FactView(command.line, f"Command · {command.risk}", said, command.risk, f"/commands/{quote(where)}")


def _people(book: Book) -> Iterator[FactView]:
    for severity in book.severities:
        within = severity.respond_within_s
        promise = "" if within is None else "respond at once" if within == 0 else f"respond within {format_duration(within)}"
        yield FactView(severity.line, "Severity", " · ".join(part for part in (severity.code, severity.name, promise) if part))
    for rung in book.escalation:
        when = "" if rung.after_s is None else "at once" if rung.after_s == 0 else f"after {format_duration(rung.after_s)}"
        yield FactView(rung.line, f"Rung {rung.level}", " · ".join(part for part in (rung.role, when, rung.severity) if part))
    for climb in book.climbs:
        wait = f"after {format_duration(climb.after_s)}" if climb.after_s is not None else None
        parts = (
            "begins again" if climb.kind == "again" else "all at once",
            wait,
            climb.times and f"{climb.times}×",
            climb.severity,
        )
        yield FactView(climb.line, "Ladder", " · ".join(str(part) for part in parts if part))
    for contact in book.contacts:
        reach = (contact.role, contact.phone, contact.email, contact.channel, contact.hours)
        yield FactView(contact.line, "Contact", " · ".join(part for part in reach if part))


def _promises(book: Book) -> Iterator[FactView]:
    for promise in book.recovery:
        seconds = "none" if promise.seconds == 0 else format_duration(promise.seconds)
        yield FactView(promise.line, promise.kind.upper(), f"{promise.subject}: {seconds}")
    for schedule in book.schedules:
        parts = (schedule.title, f"every {schedule.every}" if schedule.every else None, schedule.at, schedule.timezone)
        yield FactView(schedule.line, "Schedule", " · ".join(part for part in parts if part))
    for template in book.templates:
        slots = ", ".join(template.placeholders)
        yield FactView(template.line, "Template", f"{template.name}{' · slots: ' + slots if slots else ''}")
    for dependency in (each for each in book.dependencies if each.line):
        yield FactView(dependency.line, "Dependency", f"{dependency.source} needs {dependency.needs}")
    for checklist in book.checklists:
        yield FactView(checklist.line, "Checklist", f"{checklist.title}: {len(checklist.items)} boxes")
