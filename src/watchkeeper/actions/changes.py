"""What was changed outside of incidents: told by people and programs, read from git, seen at our own files, done by our runs."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from watchkeeper.actions.git import git
from watchkeeper.actions.permission import done_by, require
from watchkeeper.actions.releases import FeedError, fetch_releases
from watchkeeper.app import App
from watchkeeper.base.durations import parse_duration
from watchkeeper.base.errors import InputError
from watchkeeper.base.ids import new_id
from watchkeeper.estate.model import ChangeSource, ReleaseFeed
from watchkeeper.incident import changes
from watchkeeper.incident.model import ChangeEvent, Incident
from watchkeeper.people.identity import Actor
from watchkeeper.run import ledger as runs
from watchkeeper.store import ledger

log = logging.getLogger(__name__)

#: commits of one repository that are looked at in one go
MOST_COMMITS = 200
_BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)


async def note_change(
    app: App,
    actor: Actor,
    sentence: str,
    kind: str = "deployment",
    *,
    component: str | None = None,
    link: str = "",
    at: datetime | None = None,
    key: str = "",
) -> ChangeEvent:
    """Keep what somebody or a program says was changed; the same key twice is one change."""
    require(actor, "note")
    now = app.clock.now()
    if not sentence.strip():
        raise InputError("A change needs to be said in words.", hint="Say what was changed: “Released 2.4.1”.", code="WK167")
    if link and not link.startswith(("https://", "http://")):
        raise InputError(f"{link!r} is no address of a page.", hint="Begin it with https://.", code="WK167")
    if at is not None and at > now + timedelta(minutes=5):
        raise InputError("A change cannot lie in the future.", hint="Leave --at out for now.", code="WK167")
    said = " ".join(sentence.split())[:1000]
    known = f"{actor.name}/{key}"[:200] if key else new_id("chg", now)
    event = ChangeEvent(known, at or now, " ".join(kind.split())[:40] or "change", said, actor.name, component, link[:1000])

    def work(connection: Connection) -> ChangeEvent:
        if changes.add_change(connection, event):
            ledger.append(connection, now, actor.name, "change", event.id, why=said, body={"kind": event.kind})
        return event

    return await done_by(app, actor, "note", work)


def span_of(text: str) -> timedelta:
    """Read how far back somebody wants to look."""
    seconds = parse_duration(text)
    if seconds is None:
        raise InputError(f"{text!r} is no duration.", hint="Try --since 24h.", code="WK167")
    return timedelta(seconds=seconds)


async def list_changes(app: App, span: timedelta) -> list[ChangeEvent]:
    """Give what was changed in a span until now, the newest first."""
    now = app.clock.now()
    return await app.database.read(lambda c: changes.list_changes(c, now - span, now))


def suspects_of(connection: Connection, app: App, incident: Incident, components: Sequence[str] = ()) -> list[ChangeEvent]:
    """Give what was changed in the day before an incident began, our own runs among it, the likeliest first."""
    since = incident.began_at - changes.BEFORE
    known = changes.list_changes(connection, since, incident.began_at)
    for run in runs.runs_that_changed(connection, since, incident.began_at, limit=changes.MOST + 1):
        done = [act for act in run.plan.acts if act.mutating and run.acts[act.key].state == "done"]
        if done and run.ended_at is not None and run.incident_id != incident.id:
            said = f"“{run.plan.title}” was carried out ({done[0].risk}: {done[0].text})."
            known.append(ChangeEvent(run.id, run.ended_at, "run", said, run.actor, run.component, f"/runs/{run.id}"))
    return changes.suspects(known, incident.began_at, [*components, *([incident.cause] if incident.cause else [])])


class ChangeWatch:
    """Looks for what was changed where it can be seen: our own files, the repositories and feeds that the estate names."""

    def __init__(self, app: App) -> None:
        self.app = app
        #: feed -> when it was asked last
        self.asked: dict[str, datetime] = {}

    async def look(self) -> int:
        """Keep what is new; gives how many there are. A repository that cannot be read is said in the log."""
        app, now = self.app, self.app.clock.now()
        found: list[ChangeEvent] = []
        for source in app.estate.changes.values():
            if isinstance(source, ReleaseFeed):
                found += await self._releases(source, now)
                continue
            try:
                found += await asyncio.to_thread(read_commits, source, now - changes.BEFORE)
            except (OSError, subprocess.SubprocessError) as problem:
                log.warning("The commits of %s cannot be read: %s", source.name, problem, extra={"action": "commits_unread"})
        own = {"runbook": app.book.digest, "configuration": await asyncio.to_thread(_digest, app.estate.path)}

        def unknown(connection: Connection) -> list[ChangeEvent]:
            seen = [_own_change(connection, kind, digest, now, app.estate.service) for kind, digest in own.items() if digest]
            known = changes.known_of(connection, [event.id for event in found])
            return [event for event in found if event.id not in known] + [event for event in seen if event is not None]

        # it is looked each minute, and there is hardly ever something to keep
        new = await app.database.read(unknown)
        if not new:
            return 0
        return await app.database.write(lambda c: sum(changes.add_change(c, event) for event in new))

    async def _releases(self, feed: ReleaseFeed, now: datetime) -> list[ChangeEvent]:
        """Ask a feed, seldom; gives its releases of the last day. One that cannot be read is said in the log."""
        last = self.asked.get(feed.name)
        if last is not None and last <= now < last + timedelta(seconds=feed.every_s):
            return []
        self.asked[feed.name] = now
        try:
            return [event for event in await fetch_releases(feed) if now - changes.BEFORE <= event.at <= now]
        except FeedError as problem:
            log.warning("The releases of %s cannot be read: %s.", feed.name, problem, extra={"action": "releases_unread"})
            return []


def read_commits(source: ChangeSource, since: datetime) -> list[ChangeEvent]:
    """Read the newest commits of a repository's branch; raises OSError or SubprocessError where it cannot be read."""
    words = ("log", f"--since={since.isoformat()}", f"-n{MOST_COMMITS}", "--format=%H%x1f%cI%x1f%an%x1f%s", source.branch, "--")
    said = git(source.repository, *words).decode(errors="replace")
    events = []
    # git ends its lines with \n alone; an author may have written any other end of a line into a subject
    for line in said.split("\n"):
        told = line.split("\x1f", 3)
        if len(told) < 4:
            continue
        commit, at, author, subject = told
        sentence = f"{source.name}: {' '.join(subject.split())} ({commit[:10]})"
        try:
            event_at = datetime.fromisoformat(at).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
        events.append(
            ChangeEvent(f"git/{source.name}/{commit}"[:200], event_at, "commit", sentence, author[:200], source.component)
        )
    return events


def _own_change(connection: Connection, kind: str, digest: str, now: datetime, service: str) -> ChangeEvent | None:
    """Give that one of our own files is another than before, None where it is not; the first that is seen is no change."""
    before = changes.latest_of(connection, kind)
    if before is not None and before.id.endswith(digest[:32]):
        return None
    named = {"runbook": "The runbook", "configuration": "watchkeeper.toml"}[kind]
    at = now if before is not None else _BEGINNING
    known = f"{kind}/{at:%Y%m%dT%H%M%S%f}/{digest[:32]}"
    return ChangeEvent(known, at, kind, f"{named} of {service} was changed.")


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
