"""Read work that recurs: from headings, bold labels, lists, tables, maintenance windows and crontab lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from watchkeeper.book.model import Schedule
from watchkeeper.book.openings import Opening
from watchkeeper.book.read.ordering import in_order
from watchkeeper.book.read.passages import Passage, Passages, TableAt, clean
from watchkeeper.book.read.recurrence import Recurrence, is_hourly, names_period, read_cron, read_recurrence, times_of, zone_of
from watchkeeper.book.vocabulary import (
    AUTOMATED_WORDS,
    DOCUMENT_LABELS,
    EVERY,
    MAINTENANCE_WORDS,
    MANUAL_WORDS,
    WEEKDAYS,
    matcher,
)
from watchkeeper.text.blocks import Block, Section

_AUTOMATED = matcher(AUTOMATED_WORDS)
_MANUAL = matcher(MANUAL_WORDS)
_MAINTENANCE = matcher(MAINTENANCE_WORDS)
_PERIOD = matcher(*(words for _, words in EVERY))
_WEEKDAY = matcher(*(words for words in WEEKDAYS.values()))
_REVIEW = matcher(DOCUMENT_LABELS["review_every"])
_CLOCK = re.compile(
    r"^(?:time|start|start time|at|hour|uhrzeit|zeit|heure|hora|godzina|時刻|時間|时间|시간|window|fenster|"
    r"horário|horario)\b",
    re.IGNORECASE,
)
_FREQUENCY = re.compile(
    r"^(?:cron(?: expression| schedule)?|crontab|turnus|intervall|intervalle|schedule|how often|when|interval|zeitplan|"
    r"timing|period|(?:\w+ )?(?:frequency|cadence|häufigkeit|fréquence|frecuencia|frequência|częstotliwość)(?: \w+)?|"
    r"頻度|频率|주기)$",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"schedul|backup|maintenance|routine|cron|recurring|regular|housekeeping|wiederkehrend|regelmäßig|wartung|planifié|tâches|"
    r"tareas|tarefas|agendad|mantenimiento|frecuencia|frequência|fréquence|häufigkeit|rutina|rotina|respaldo|sauvegarde|定期|rotation|cadence|drill|exercise|rehears|probe|übung|simulacro|exercice|zeitplan|planification|programa|plan|frequency|頻度|スケジュール|"
    r"计划|일정",
    re.IGNORECASE,
)
_NOT_LABEL = re.compile(
    r"^(?:frequency|update frequency|communication|updates?|status|hours|availability|support|on-?call hours|"
    r"business hours|expected growth|growth|rate|last updated|next review|date|retention)\b",
    re.IGNORECASE,
)
_NOT_HEADING = re.compile(r"\b(?:report template|growth|budget|active users|limit|per day|24/7)\b", re.IGNORECASE)
_NOUN = re.compile(r"\b(?:operations?|tasks?|procedures?|checks?|maintenance|reports?|summary)\b", re.IGNORECASE)
_ONLY_WHEN = re.compile(
    r"^(?:every|each|first|second|third|fourth|last|1st|on|jeden|chaque|cada)\b.{0,40}$|^\w+days?\b.{0,16}$", re.IGNORECASE
)
_TIME_OF_DAY = re.compile(
    r"\b(?:morning|afternoon|evening|noon|midday|end of day|start of day|morgen|abend|matin|soir)\b", re.IGNORECASE
)
#: "03:00 UTC: database backup" under a heading about jobs that run by themselves is every day
_ONLY_TIME = re.compile(r"\d{1,2}[:h]\d\d(?:\s*[A-Z]{2,5})?|\d{1,2}\s*[ap]\.?m\.?(?:\s*[A-Z]{2,5})?", re.IGNORECASE)
#: a column that says when, or how often, where no other says it
_HOURS = re.compile(r"hor[áa]rio", re.IGNORECASE)
_CRONS = re.compile(
    r"\bcron|scheduled (?:jobs?|tasks?)|\bdaily\b|nightly|zeitgesteuert|geplante|tâches planifiées|tareas programadas|"
    r"tarefas agendadas|定期実行|定时任务",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.;]+(?:[.;](?!\s)[^.;]*)*[.;]?")
_WINDOW = re.compile(r"window|low-traffic|off-peak|fenster|ventana|fenêtre", re.IGNORECASE)
_COMMENT = re.compile(r"\s*(?:#|--)\s*(?P<text>[^!].*)$")
_DIGIT = re.compile(r"\d")
_BRACKET = re.compile(r"\(([^()]*)\)")
_PERIOD_FIRST = Opening(
    r"\W*",
    r"daily|weekly|monthly|quarterly|nightly|hourly|täglich\w*|wöchentlich\w*|monatlich\w*",
    r"\s+\w+",
    re.IGNORECASE,
)
_CRON_HINT = re.compile(r"\d\s+[\d*]")


def read_schedules(passages: Passages) -> tuple[Schedule, ...]:
    """Read all schedules; a heading and the label beneath it that say the same become one."""
    found: list[Schedule] = []
    for section in passages.sections:
        found.extend(_section(passages, section))
    for table in passages.tables:
        found.extend(_table(table))
    found.extend(_crons(passages))
    return in_order(found, lambda s: (s.line, s.every, s.at))


def _section(passages: Passages, section: Section) -> Iterator[Schedule]:
    inside = list(passages.in_section(section))
    heading = None
    if (section.level and _PERIOD.search(section.title)) or _WEEKDAY.search(section.title):
        heading = read_recurrence(section.title) if not _NOT_HEADING.search(section.title) else None
    if heading is None and section.level and _TIME_OF_DAY.search(section.title):
        heading = _daily(section.title)
    if heading is None and section.level > 1 and _DIGIT.search(section.title) and times_of(section.title)[0]:
        heading = _inherited(section)
    grouping = not inside and not any(block.kind in ("fence", "table", "list") for block in section.blocks)
    labelled = [s for passage in inside for piece in _apart(passage) if (s := _passage(piece, heading, section)) is not None]
    around = {one.every for title in section.path if labelled and _PERIOD.search(title) and (one := read_recurrence(title))}
    listed = {passage.line for passage in inside if passage.kind == "item"} if around else set()
    labelled = [one for one in labelled if one.at is not None or one.every not in around or one.line not in listed]
    if heading is not None and not (grouping and section.sections and heading.at is None and not _own_day(section)):
        near = [s for s in labelled if s.every in (heading.every, None) or heading.every is None]
        if near and (heading.at is None or any(s.at for s in near)):
            yield from labelled
        else:
            tasks = _tasks(section.blocks)
            yield _schedule(section.title, section.line, heading, section.title, tasks)
            yield from (s for s in labelled if s.at is not None and s.at != heading.at)
        return
    yield from labelled
    if not labelled:
        yield from _comments(section)


def _apart(passage: Passage) -> list[Passage]:
    """Take a paragraph of which several sentences name a period apart."""
    text = passage.text
    if passage.kind != "prose" or passage.label or len(text) <= 60 or not (_PERIOD.search(text) or _WEEKDAY.search(text)):
        return [passage]
    timed = [piece for piece in _SENTENCE.finditer(text) if _PERIOD.search(piece.group()) or _WEEKDAY.search(piece.group())]
    if len(timed) < 2:
        return [passage]
    pieces = [(piece.group().strip(), passage.line_at(piece.start())) for piece in timed]
    return [replace(passage, text=said, body=said, line=line, breaks=()) for said, line in pieces]


def _own_day(section: Section) -> bool:
    """Whether a heading names a weekday and a task ("Monday: trends"), and nothing beneath names a period or a time."""
    below = [one for child in section.sections for one in child.walk()]
    return bool(_WEEKDAY.search(section.title)) and not any(
        _PERIOD.search(one.title) or _WEEKDAY.search(one.title) or times_of(one.title)[0] for one in below
    )


def _inherited(section: Section) -> Recurrence | None:
    """Read "Review the dashboard (09:00)" beneath "Daily checks": the time is its own, the period that of what is around."""
    for around in reversed(section.path):
        found = read_recurrence(around) if _PERIOD.search(around) else None
        at, until, _times = times_of(section.title)
        if found is not None and found.every in ("day", "week", "month") and found.at is None and at is not None:
            rule = f"{found.rrule};BYHOUR={int(at[:2])};BYMINUTE={int(at[3:])}"
            return Recurrence(found.every, rule, at, until, zone_of(section.title), len(section.title))
    return None


def _daily(title: str) -> Recurrence | None:
    """Read "Morning checks (9 AM)": a part of the day with its time is every day."""
    at, until, _times = times_of(title)
    if at is None:
        return None
    return Recurrence("day", f"FREQ=DAILY;BYHOUR={int(at[:2])};BYMINUTE={int(at[3:])}", at, until, zone_of(title))


def _passage(passage: Passage, heading: Recurrence | None, section: Section) -> Schedule | None:
    """Read a schedule from a label, a list item or a sentence with period and time."""
    if passage.kind not in ("prose", "item", "fence") or len(passage.text) > 300:
        return None
    label = passage.label or (
        clean(passage.text) if len(passage.text) < 90 and passage.kind == "prose" and not passage.body else ""
    )
    text = passage.text
    if (
        label
        and passage.body
        and _ONLY_TIME.fullmatch(label)
        and _CRONS.search(passage.under[-1] if passage.under else section.title)
    ):
        daily = _daily(label)
        return _schedule(passage.body, passage.line, daily, text, (passage.body,)) if daily else None
    if not names_period(text) and heading is None and not _maintaining(passage, label) and not is_hourly(passage.body):
        return None
    if _REVIEW.fullmatch(label.strip()) and passage.body:
        found = read_recurrence(passage.body)
        return _schedule(label, passage.line, found, text, ()) if found else None
    if _NOT_LABEL.match(label):
        return None
    if _maintaining(passage, label):
        window = _window(passage)
        if window is not None:
            return window
    if passage.kind == "prose" and label and not passage.body:
        return _label(passage, label, heading)
    if not label:
        return _sentence(passage, text)
    return _labelled(passage, label)


def _maintaining(passage: Passage, label: str) -> bool:
    """Whether a passage is about maintenance, or names a window beneath a heading or label that is."""
    return bool(label and _MAINTENANCE.search(label)) or bool(
        _MAINTENANCE.within(passage.context) and _WINDOW.search(passage.text)
    )


def _window(passage: Passage) -> Schedule | None:
    at, until, _times = times_of(passage.text)
    found = read_recurrence(passage.text)
    if at is None or (found is None and until is None):
        return None
    title = passage.label if passage.label and passage.body else passage.section.title
    if found is not None:
        return _schedule(title, passage.line, found, passage.text, ())
    return Schedule(line=passage.line, title=clean(title), at=at, until=until, timezone=zone_of(passage.text))


def _label(passage: Passage, label: str, heading: Recurrence | None) -> Schedule | None:
    """Read a bold line that introduces recurring work: "**Every Sunday at 2 AM**:"."""
    found = read_recurrence(passage.text)
    tasks = tuple(child.text for child in passage.children)
    if found is not None:
        title = passage.section.title if _ONLY_WHEN.match(label) and passage.section.title else label
        return _schedule(title, passage.line, found, passage.text, tasks)
    at, until, times = times_of(passage.text)
    if (
        heading is not None
        and at is not None
        and len(times) == 1
        and re.search(r"run|at|start|um|à|checklist|[ap]m\b", passage.text, re.IGNORECASE)
    ):
        rule = (
            f"{heading.rrule};BYHOUR={int(at[:2])};BYMINUTE={int(at[3:])}"
            if heading.rrule and "BYHOUR" not in heading.rrule
            else heading.rrule
        )
        return Schedule(
            line=passage.line,
            title=clean(label),
            every=heading.every,
            rrule=rule,
            at=at,
            until=until,
            timezone=zone_of(passage.text),
            tasks=tasks,
        )
    return None


def _sentence(passage: Passage, text: str) -> Schedule | None:
    """Read a sentence only when it names both a period and a time of day, or stands in a list about schedules."""
    if not (_PERIOD.search(text) or _WEEKDAY.search(text) or "every " in text.lower()):
        return None
    found = read_recurrence(text)
    listed = (
        (passage.kind == "item" or (passage.kind == "prose" and not passage.label))
        and found is not None
        and (found.start < 4 or passage.kind == "prose" or len(text.rstrip(" .")) - found.start < 14)
        and _ABOUT.search(" ".join(passage.context[:2]))
    )
    if found is None or (found.at is None and not listed) or found.every == "minute":
        return None
    if passage.kind == "fence" and not any(_ABOUT.search(words) for words in passage.context[:2]):
        return None
    return _schedule(clean(text)[:80], passage.line, found, text, ())


def _labelled(passage: Passage, label: str) -> Schedule | None:
    """Read "Daily: database backup (2 AM)" and "Full backup: daily at 02:00 UTC"."""
    own = read_recurrence(label)
    body = passage.body
    tasks = tuple(child.text for child in passage.children) or ((body,) if body else ())
    alone = len(label.split()) < 3 and not _NOUN.search(label)
    about = alone or _ABOUT.search(" ".join((*passage.context[:2],)))
    if (
        own is not None
        and about
        and (own.start < 8 or (alone and bool(_ABOUT.search(" ".join(passage.context[:2])))))
        and (passage.kind != "prose" or not body)
        and not re.search(r"active|users|average|limit|rate|cost|orders|revenue", label, re.IGNORECASE)
    ):
        whole = read_recurrence(passage.text) or own
        whole = Recurrence(
            own.every,
            own.rrule
            if whole.at is None and whole.every != own.every
            else whole.rrule
            if whole.every == own.every
            else _timed(own, whole),
            whole.at or own.at,
            whole.until,
            whole.timezone,
        )
        title = body if body and len(label.split()) < 3 else label
        return _schedule(re.sub(r"\s*\([^()]*\)\s*$", "", title), passage.line, whole, passage.text, tasks)
    found = read_recurrence(body)
    if found is None or found.start > 14 or re.match(r"(?:update|notify|communicat|status)", label, re.IGNORECASE):
        return None if found is None or found.at is None else _schedule(label, passage.line, found, passage.text, ())
    if found.at is not None or _ABOUT.search(" ".join((label, *passage.context[:2]))):
        return _schedule(label if not _FREQUENCY.match(label) else passage.section.title, passage.line, found, passage.text, ())
    return None


def _timed(own: Recurrence, whole: Recurrence) -> str | None:
    if own.rrule is None or whole.at is None:
        return own.rrule
    day = re.search(r"BYDAY=[^;]+", whole.rrule or "")
    base = own.rrule if "BYDAY" in own.rrule or day is None or own.every != "week" else f"{own.rrule};{day.group()}"
    return f"{base};BYHOUR={int(whole.at[:2])};BYMINUTE={int(whole.at[3:])}" if "BYHOUR" not in base else base


def _schedule(title: str, line: int, found: Recurrence, text: str, tasks: tuple[str, ...]) -> Schedule:
    automated = True if _AUTOMATED.search(text) else False if _MANUAL.search(text) else None
    return Schedule(
        line=line,
        title=clean(title),
        every=found.every,
        rrule=found.rrule,
        at=found.at,
        until=found.until,
        timezone=found.timezone,
        automated=automated,
        tasks=tasks,
    )


def _tasks(blocks: tuple[Block, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for block in blocks:
        if block.kind == "list":
            found.extend(" ".join(item.text.split()) for item in block.children if item.text)
        elif block.kind == "fence" and block.info in ("bash", "sh", "shell", ""):
            found.extend(row.strip("# ").strip() for row in block.text.split("\n") if row.startswith("# ") and len(row) < 80)
    return tuple(found)


def _comments(section: Section) -> Iterator[Schedule]:
    """Read comments of a script that name its period: "# VACUUM (weekly)"; the first of each script's head, or in brackets."""
    for block in section.blocks:
        if block.kind != "fence" or block.info not in ("bash", "sh", "shell", "sql", ""):
            continue
        for offset, row in enumerate(block.text.split("\n")):
            match = _COMMENT.match(row)
            if match is None or len(match["text"]) > 80 or _CRON_HINT.match(match["text"]):
                continue
            text = match["text"]
            bracket = _BRACKET.search(text)
            periodic = _PERIOD.search(bracket[1]) or _WEEKDAY.search(bracket[1]) if bracket else None
            heading = _PERIOD_FIRST.match(text)
            if not periodic and not heading:
                continue
            found = read_recurrence(bracket[1] if bracket and periodic else text)
            around = (read_recurrence(title) for title in section.path if _PERIOD.search(title))
            if found is not None and not any(one and one.every == found.every for one in around):
                yield _schedule(re.sub(r"\s*\([^()]*\)", "", text), block.line + offset, found, text, ())


def _table(table: TableAt) -> Iterator[Schedule]:
    header = [clean(title) for title in table.header]
    column = next((n for n, title in enumerate(header) if _FREQUENCY.match(title)), None)
    if column is None:
        column = next((n for n, title in enumerate(header) if n and _HOURS.fullmatch(title)), None)
    if column is None:
        return
    subject = 0 if column else 1
    clock = next((n for n, title in enumerate(header) if n != column and _CLOCK.search(title)), None)
    for row in table.rows:
        cells = [cell.text.strip() for cell in row.children]
        if column < len(cells) and subject < len(cells):
            cron = read_cron(cells[column].strip("`"))
            hour = cells[clock] if clock is not None and clock < len(cells) else ""
            said = f"{cells[column]} {hour}" if times_of(hour)[0] and not times_of(cells[column])[0] else cells[column]
            found = cron[0] if cron else read_recurrence(said)
            if found is not None and found.start < 12:
                yield _schedule(cells[subject], row.line, found, " ".join(cells), ())


def _crons(passages: Passages) -> Iterator[Schedule]:
    for block, section, _under in passages.fences:
        if block.info in ("json", "python", "javascript", "sql", "promql") or not _CRON_HINT.search(block.text):
            continue
        for offset, row in enumerate(block.text.split("\n")):
            if not _CRON_HINT.search(row):
                continue
            found = read_cron(row)
            if found is None:
                continue
            recurrence, command = found
            yield Schedule(
                line=block.line + offset,
                title=clean(section.title),
                every=recurrence.every,
                rrule=recurrence.rrule,
                at=recurrence.at,
                automated=True,
                tasks=(command,) if command else (),
            )
    for passage in passages.all:
        if passage.kind not in ("prose", "item"):
            continue
        codes = [span for span in passage.spans if span.kind == "code"]
        if codes and _CRON_HINT.search(passage.text):
            for span in codes:
                found = read_cron(span.text)
                if found is not None:
                    recurrence, command = found
                    yield Schedule(
                        line=span.line,
                        title=passage.label or clean(section_title(passage)),
                        every=recurrence.every,
                        rrule=recurrence.rrule,
                        at=recurrence.at,
                        automated=True,
                        tasks=(command,) if command else (),
                    )


def section_title(passage: Passage) -> str:
    """Give the title of the section a passage stands in."""
    return passage.section.title
