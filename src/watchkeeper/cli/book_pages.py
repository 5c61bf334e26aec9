"""How a book looks in a terminal: a tree of procedures, tables of facts, and last what could not be understood."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from posixpath import dirname, join, normpath
from textwrap import shorten
from typing import Any
from urllib.parse import unquote

from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text as RichText
from rich.tree import Tree

from watchkeeper.base.durations import format_duration
from watchkeeper.base.errors import NotFound
from watchkeeper.base.words import counted
from watchkeeper.book.model import Book, Command, Procedure, Schedule, Stated, Step, Threshold
from watchkeeper.cli.plain import plain

_RISK = {"read": "green", "change": "yellow", "destroy": "bold red", "unknown": "magenta"}
#: a line of shell that goes on in the next
_CONTINUED = re.compile(r"\s*\\\n\s*")
_UNITS = {
    "percent": "%",
    "seconds": "",
    "days": " d",
    "bytes": "",
    "per_second": "/s",
    "per_minute": "/min",
    "per_hour": "/h",
    "count": "",
    "ratio": "",
}


class Text(RichText):
    """Words of a runbook: a control character or a mark of direction in them shows as its escape; lines stay lines."""

    def __init__(self, text: str = "", style: str | Style = "", **values: Any) -> None:
        """Take the words as the runbook has them."""
        super().__init__("\n".join(map(plain, text.split("\n"))), style, **values)

    def append(self, text: RichText | str, style: str | Style | None = None) -> Text:
        """Add words to the end, escaped alike."""
        super().append("\n".join(map(plain, text.split("\n"))) if isinstance(text, str) else text, style)
        return self


def print_book(book: Book, console: Console | None = None) -> None:
    """Print a book as a person likes to read it."""
    console = console or Console(highlight=False)
    title = book.title or "A runbook without a title"
    console.print(Text(title, style="bold"))
    if book.service and book.service != title:
        console.print(Text(f"service {book.service}", style="dim"))
    _document(book, console)
    console.print()
    _procedures(book, console)
    _thresholds(book, console)
    _tables(book, console)
    _unread(book, console)
    _summary(book, console)


def _document(book: Book, console: Console) -> None:
    if book.document is None:
        return
    facts = {slot.name: getattr(book.document, slot.name) for slot in fields(book.document) if slot.name not in ("line", "file")}
    said = [f"{name.replace('_', ' ')} {value}" for name, value in facts.items() if value]
    console.print(Text(", ".join(said), style="dim"))


def _at(item: Stated) -> str:
    return f"{item.file}:{item.line}" if item.file else str(item.line)


def _procedures(book: Book, console: Console) -> None:
    if not book.procedures:
        console.print("Nothing to carry out.\n", style="yellow")
        return
    tree = Tree(Text(counted(len(book.procedures), "procedure"), style="bold"), guide_style="dim")
    for procedure in book.procedures:
        branch = tree.add(_procedure_line(procedure))
        for step in procedure.steps:
            if len(step.commands) == 1 and step.text.strip() == step.commands[0].text.split("\n")[0][:120].strip():
                branch.add(_step_line(step, step.commands[0]))
                continue
            leaf = branch.add(_step_line(step))
            for command in step.commands:
                leaf.add(_command_line(command))
    console.print(tree)
    console.print()


def _procedure_line(procedure: Procedure) -> RichText:
    return Text.assemble((procedure.title, "bold cyan"), (f"  {procedure.kind}", "dim"), (f"  line {_at(procedure)}", "dim"))


def _step_line(step: Step, alone: Command | None = None) -> Text:
    """Say a step; one that is nothing but its command is that command."""
    line = Text(f"{step.n}. ")
    if step.when:
        line.append(f"if {step.when}: ", style="italic")
    if alone:
        line.append(_command_line(alone))
    elif not step.when or step.text.lower().strip(" .:") != f"if {step.when}".lower():
        warns = "red" if step.caution == step.text else ""
        line.append(("! " if warns else "") + shorten(" ".join(step.text.split()), 160, placeholder=" …"), style=warns)
    if step.caution and step.caution != step.text:
        line.append(f"  ! {shorten(step.caution, 160, placeholder=' …')}", style="red")
    if step.manual:
        line.append("  by hand", style="dim")
    return line


def _command_line(command: Command) -> Text:
    first, *rest = _CONTINUED.sub(" ", command.text.strip()).split("\n")
    line = Text(f"{command.risk:8}", style=_RISK[command.risk])
    line.append(first[:140] + (" …" if rest or len(first) > 140 else ""), style="default")
    if command.alternative:
        line.append(f"  with {command.alternative}", style="dim")
    for flag, shown in ((command.endless, "endless"), (command.interactive, "interactive")):
        if flag:
            line.append(f"  {shown}", style="dim")
    return line


def says(threshold: Threshold) -> str:
    """Say a threshold's comparison in short: "> 5 % for 5 min"."""
    if threshold.op == "is":
        said = f"is {threshold.state or 'so'}"
    else:
        said = f"{threshold.op} {figure(threshold.value, threshold.unit)}"
    return said + (f" for {format_duration(threshold.for_s)}" if threshold.for_s else "")


def figure(value: float | None, unit: str | None) -> str:
    """Say a value with its unit: 0.5 seconds -> 500 ms, 4e9 bytes -> 4 GB."""
    if value is None:
        return "?"
    if unit == "seconds":
        return format_duration(value)
    if unit == "bytes":
        for size, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
            if abs(value) >= size:
                return f"{value / size:g} {name}"
        return f"{value:g} B"
    return f"{value:,g}{_UNITS.get(unit or '', '')}"


def _thresholds(book: Book, console: Console) -> None:
    rows = [(t.role, t.subject, says(t), t.severity or "", t.metric or "", _at(t)) for t in book.thresholds]
    _table(console, "Thresholds", ("role", "of", "when", "severity", "metric", "line"), rows)


def _tables(book: Book, console: Console) -> None:
    _table(
        console,
        "Severities",
        ("code", "name", "respond within", "line"),
        [(s.code, s.name or "", _time(s.respond_within_s), _at(s)) for s in book.severities],
    )
    _table(
        console,
        "Escalation",
        ("level", "role", "after", "severity", "line"),
        [(str(e.level), e.role, _time(e.after_s), e.severity or "", _at(e)) for e in book.escalation],
    )
    _table(
        console,
        "The whole ladder",
        ("what", "after", "times", "severity", "line"),
        [(c.kind, _time(c.after_s), str(c.times or ""), c.severity or "", _at(c)) for c in book.climbs],
    )
    _table(
        console,
        "Contacts",
        ("role", "phone", "email", "channel", "hours", "line"),
        [(c.role, c.phone or "", c.email or "", c.channel or "", c.hours or "", _at(c)) for c in book.contacts],
    )
    _table(
        console,
        "Phases",
        ("name", "from", "to", "severity", "line"),
        [(p.name, _time(p.starts_s), _time(p.ends_s), p.severity or "", _at(p)) for p in book.phases],
    )
    _table(
        console,
        "Schedules",
        ("what", "every", "at", "zone", "line"),
        [(s.title, _every(s), _hours(s.at, s.until), s.timezone or "", _at(s)) for s in book.schedules],
    )
    _table(
        console,
        "Recovery",
        ("kind", "of", "within", "line"),
        [(r.kind.upper(), r.subject, _time(r.seconds), _at(r)) for r in book.recovery],
    )
    _table(
        console,
        "Templates",
        ("name", "channel", "slots", "line"),
        [(t.name, t.channel or "", ", ".join(t.placeholders[:4]), _at(t)) for t in book.templates],
    )
    _table(console, "Checklists", ("title", "boxes", "line"), [(c.title, str(len(c.items)), _at(c)) for c in book.checklists])
    _table(console, "Components", ("name", "technology", "line"), [(c.name, c.technology or "", _at(c)) for c in book.components])
    _table(console, "Dependencies", ("what", "needs", "line"), [(d.source, d.needs, _at(d)) for d in book.dependencies])
    _table(
        console,
        "Growth",
        ("of", "percent", "within", "line"),
        [(g.subject, f"{g.percent:g}" if g.percent is not None else "", _time(g.within_s), _at(g)) for g in book.growth],
    )
    _table(
        console,
        "Baselines",
        ("of", "value", "line"),
        [(b.subject, b.value if isinstance(b.value, str) else figure(b.value, b.unit), _at(b)) for b in book.baselines],
    )
    _table(
        console,
        "Metrics without a threshold",
        ("of", "metric", "line"),
        [(m.subject, m.metric or "", _at(m)) for m in book.metrics],
    )
    _table(
        console,
        "Configuration",
        ("kind", "target", "values", "line"),
        [(c.kind, c.target or "", ", ".join(f"{k}={v}" for k, v in list(c.values.items())[:5]), _at(c)) for c in book.configs],
    )
    _table(console, "Links", ("name", "leads to", "with this book", "line"), _links(book))
    _table(
        console,
        "To be replaced or set before use",
        ("token", "kind", "lines"),
        [(p.token, p.kind, ", ".join(map(str, p.lines[:6])) + (" …" if len(p.lines) > 6 else "")) for p in book.placeholders],
    )


def _links(book: Book) -> Iterable[tuple[str, str, str, str]]:
    """List what is linked, once; of a file beside the runbook, whether it was read with it."""
    files = {item.file for _, item in stated(book) if item.file}
    places: dict[tuple[str | None, str], list[Stated]] = {}
    names = {(link.file, link.url): link.name for link in reversed(book.links)}
    for link in book.links:
        places.setdefault((link.file, link.url), []).append(link)
    for (file, url), links in places.items():
        path = unquote(url.partition("#")[0].partition("?")[0])
        beside = path and ":" not in path and not path.startswith("/")
        read = normpath(join(dirname(file or ""), path)) in files
        yield names[file, url], url, ("read" if read else "not read") if beside else "", ", ".join(map(_at, links[:6]))


def _time(seconds: float | None) -> str:
    return "" if seconds is None else "at once" if seconds == 0 else format_duration(seconds)


def _hours(at: str | None, until: str | None) -> str:
    return f"{at}-{until}" if at and until else at or ""


_DAYS = {"MO": "Mon", "TU": "Tue", "WE": "Wed", "TH": "Thu", "FR": "Fri", "SA": "Sat", "SU": "Sun"}


def _every(schedule: Schedule) -> str:
    """Say how often, and on which days: "4 hours", "week on Mon", "month on 1st Mon"."""
    rule = dict(part.split("=", 1) for part in (schedule.rrule or "").split(";") if "=" in part)
    every = schedule.every or ""
    if int(rule.get("INTERVAL", "1")) > 1:
        every = f"{rule['INTERVAL']} {every}s"
    days = [_day(day) for day in rule.get("BYDAY", "").split(",") if day]
    days += [f"the {ordinal(day)}" if day.isdigit() else "the last" for day in rule.get("BYMONTHDAY", "").split(",") if day]
    return f"{every} on {', '.join(days)}" if days else every


def _day(day: str) -> str:
    which = day[:-2].lstrip("+")
    named = "last " if which.startswith("-") else f"{ordinal(which)} " if which else ""
    return named + _DAYS.get(day[-2:], day[-2:])


def ordinal(number: str) -> str:
    """Say 1 as 1st, 22 as 22nd, 13 as 13th."""
    tens = number[-2:] in ("11", "12", "13")
    return number + ("th" if tens else {"1": "st", "2": "nd", "3": "rd"}.get(number[-1], "th"))


def _table(console: Console, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    rows = list(rows)
    if not rows:
        return
    console.print(Text(f"{title} ({len(rows)})", style="bold"))
    used = [n for n in range(len(columns)) if any(row[n] for row in rows)]
    table = Table(
        box=None,
        pad_edge=False,
        header_style="dim",
        padding=(0, 2, 0, 0),
    )
    for column in (columns[n] for n in used):
        table.add_column(
            column, justify="right" if column in ("line", "level", "boxes") else "left", overflow="fold", max_width=52
        )
    for row in rows:
        table.add_row(*(Text(" ".join(str(row[n]).split())) for n in used))
    console.print(table)
    console.print()


def _unread(book: Book, console: Console) -> None:
    if not book.unread:
        return
    console.print(Text(f"Not understood ({len(book.unread)})", style="bold"))
    for why in dict.fromkeys(u.why for u in book.unread):
        console.print(Text(f"{why}", style="dim"))
        for passage in (u for u in book.unread if u.why == why):
            console.print(Text(f"  line {_at(passage)}: {shorten(' '.join(passage.text.split()), 100, placeholder=' …')}"))
    console.print()


def _summary(book: Book, console: Console) -> None:
    commands = [c for p in book.procedures for s in p.steps for c in s.commands] + list(book.commands)
    risks = ", ".join(f"{n} {risk}" for risk in _RISK if (n := sum(c.risk == risk for c in commands)))
    said = f"{counted(len(book.procedures), 'procedure')}, {counted(len(commands), 'command')}" + (f" ({risks})" if risks else "")
    said += f", {counted(len(book.thresholds), 'threshold')}, {counted(len(book.unread), 'passage')} not understood."
    console.print(Text(said, style="dim"))
    console.print(Text("--why LINE says what was read from a line.", style="dim"))


def print_why(book: Book, path: Path, line: int, console: Console | None = None) -> None:
    """Print each fact read from a line, with the words of the file; NotFound where nothing was."""
    console = console or Console(highlight=False)
    book = book.of_file(path.name) if path.is_file() else book
    rows = path.read_bytes().decode("utf-8", errors="replace").splitlines() if path.is_file() else []
    found = [(name, item) for name, item in stated(book) if item.line == line] or [
        ("command", one)
        for _, one in stated(book)
        if isinstance(one, Command) and one.line < line <= one.line + one.text.count("\n")
    ]
    if not found:
        raise _nothing(book, path, line, rows)
    if 0 < line <= len(rows):
        console.print(Text.assemble((f"{path}:{line}  ", "dim"), rows[line - 1].strip()))
    for name, item in found:
        console.print(Text(name if path.is_file() or not item.file else f"{name}  {_at(item)}", style="bold"))
        for slot in fields(item):
            value = getattr(item, slot.name)
            if slot.name not in ("line", "file", "steps") and value not in (None, (), "", {}):
                console.print(Text.assemble((f"  {slot.name}: ", "dim"), _said(value)))


def _nothing(book: Book, path: Path, line: int, rows: Sequence[str]) -> NotFound:
    """Say why a line gave nothing: it does not exist, is blank, or stands within a procedure that took nothing from it."""
    near = sorted({item.line for _, item in stated(book)}, key=lambda n: abs(n - line))[:3]
    hint = f"The nearest lines with facts are {', '.join(map(str, sorted(near)))}." if near else None
    if rows and not 0 < line <= len(rows):
        return NotFound(f"{path} has lines 1 to {len(rows)}, and no line {line}.", hint=hint, code="WK117")
    words = rows[line - 1].strip() if rows else "?"
    said = f"Nothing was read from line {line} of {path}" + (": it is blank." if not words else ".")
    around = [one for one in book.procedures if one.line <= line <= one.end_line]
    if around and words:
        inner = max(around, key=lambda one: one.line)
        hint = f"It stands in the procedure {plain(inner.title)} (line {inner.line}). {hint or ''}".strip()
    return NotFound(said, hint=hint, code="WK117")


def _said(value: object) -> str:
    if isinstance(value, tuple):
        return "; ".join(_said(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return str(getattr(value, "text", value))
    return " ".join(str(value).split())


def stated(book: Book) -> Iterable[tuple[str, Stated]]:
    """Yield every fact of a book with the name of its kind."""
    for slot in fields(book):
        value = getattr(book, slot.name)
        if isinstance(value, Stated):
            yield type(value).__name__.lower(), value
        elif isinstance(value, tuple):
            for item in value:
                yield type(item).__name__.lower(), item
                if isinstance(item, Procedure):
                    for step in item.steps:
                        yield "step", step
                        yield from (("command", command) for command in step.commands)
