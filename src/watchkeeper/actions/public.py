"""What is said to the public, and to whom: posts, announced maintenance, and those who asked to be told.

Whoever asks by the page gets one mail with a link, and nothing else before that link was followed and its button pressed: mail
scanners open links. The page answers alike whether an address is known or not.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta
from urllib.parse import quote, urlsplit

from sqlalchemy import Connection

from watchkeeper.actions.acts import no_incident
from watchkeeper.actions.permission import done_by, require
from watchkeeper.actions.views.public import address_of, public_names, read_page, the_page_of
from watchkeeper.app import App
from watchkeeper.base.errors import Conflict, InputError, NotFound, Refused
from watchkeeper.base.ids import new_id
from watchkeeper.base.secrets import Secret
from watchkeeper.estate.model import Person
from watchkeeper.incident import ledger as incidents
from watchkeeper.people.identity import Actor
from watchkeeper.store import ledger
from watchkeeper.store.locks import hold
from watchkeeper.tell import ledger as outbox
from watchkeeper.tell.message import finished
from watchkeeper.tell.model import Notice
from watchkeeper.tell.public import ledger as public
from watchkeeper.tell.public.model import PROGRESS, Maintenance, Post, PublicPage, Subscriber

#: how a notice's person is called who is no person of [people]
OUTSIDER = "subscriber:"
#: so many may ask in an hour without confirming: beyond, somebody fills our list with other people's addresses
MOST_UNCONFIRMED = 100
FORGOTTEN_AFTER = timedelta(days=2)
#: news older than this are not told any more
STALE = timedelta(hours=24)
LONGEST_MAINTENANCE = timedelta(days=14)
_MAIL = re.compile(r"[^@\s<>\"'(),;:\\\[\]]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?\.[A-Za-z]{2,63}")


# --- what people say


async def post(app: App, actor: Actor, incident_id: str, progress: str, text: str, *, although_private: bool = False) -> Post:
    """Say something to the public about an incident; about a private one only where that is said in so many words."""
    require(actor, "tell public")
    the_page_of(app)
    if progress not in PROGRESS:
        raise InputError(f"{progress!r} says not how far it is.", hint=f"Use one of: {', '.join(PROGRESS)}.", code="WK541")
    now = app.clock.now()
    made = Post(incident_id, now, progress, finished(text, app.book), actor.name)

    def work(connection: Connection) -> Post:
        incident = incidents.get_incident(connection, incident_id)
        if incident is None:
            raise no_incident(incident_id)
        if incident.is_private and not although_private:
            hint = "Where the public is to read it all the same, say so: --although-private."
            raise Refused("This incident is private, so nothing was published.", hint=hint, code="WK451")
        public.add_post(connection, made)
        said = f"{actor.name} told the public ({made.progress}): {made.text}"
        incidents.add_entry(connection, incident_id, now, "public", actor.name, said)
        ledger.append(connection, now, actor.name, "public post", incident_id, why=made.text, body={"progress": made.progress})
        return made

    return await done_by(app, actor, "tell public", work)


async def announce(
    app: App, actor: Actor, title: str, begins_at: datetime, lasts: timedelta, *, text: str = "", components: tuple[str, ...] = ()
) -> Maintenance:
    """Announce maintenance: the page says it ahead, says while it goes on, and drops it when it is over."""
    require(actor, "tell public")
    known = list(dict.fromkeys(public_names(app).values()))
    if unknown := [name for name in components if name not in known]:
        raise InputError(f"The page has no {unknown[0]!r}.", hint=f"Its components: {', '.join(known)}.", code="WK541")
    now = app.clock.now()
    if not timedelta(0) < lasts <= LONGEST_MAINTENANCE:
        raise InputError("Maintenance lasts between a moment and 14 days.", hint="Try --for 2h.", code="WK541")
    if begins_at + lasts <= now:
        raise InputError("That maintenance would be over already.", hint="Give a begin that lies ahead.", code="WK541")
    text = finished(text, app.book) if text.strip() else ""
    made = Maintenance(
        new_id("mnt", now), finished(title, app.book), text, components, begins_at, begins_at + lasts, now, actor.name
    )

    def work(connection: Connection) -> Maintenance:
        public.announce(connection, made)
        body = {"begins_at": begins_at.isoformat(), "ends_at": made.ends_at.isoformat(), "components": ", ".join(components)}
        ledger.append(connection, now, actor.name, "maintenance announced", made.id, why=made.title, body=body)
        return made

    return await done_by(app, actor, "tell public", work)


async def withdraw(app: App, actor: Actor, work_id: str, why: str = "") -> None:
    """End announced maintenance now, or take it back before it begins."""
    now = app.clock.now()

    def work(connection: Connection) -> None:
        if not public.withdraw(connection, work_id, now):
            hint = "`watchkeeper statuspage show` lists what is announced."
            raise NotFound(f"There is no maintenance {work_id} that is not over.", hint=hint, code="WK542")
        ledger.append(connection, now, actor.name, "maintenance withdrawn", work_id, why=why)

    await done_by(app, actor, "tell public", work)


# --- who asks to be told


async def subscribe_by_mail(app: App, address: str) -> None:
    """Take in that somebody asks to be told by mail: they get a link to say so a second time. Never says whether it was new."""
    page = the_page_of(app)
    if page.mail is None:
        raise InputError("Nobody is told by mail here.", hint="The page has a feed: /status/feed.atom.", code="WK543")
    address = address.strip()
    if len(address) > 254 or not _MAIL.fullmatch(address):
        raise InputError("That is no mail address.", hint="Write it as name@example.com.", code="WK543")
    now = app.clock.now()
    asked = Subscriber(new_id("sub", now), "mail", address.casefold(), secrets.token_urlsafe(24), now)

    def work(connection: Connection) -> None:
        public.forget_unconfirmed(connection, now - FORGOTTEN_AFTER)
        if public.unconfirmed_since(connection, now - timedelta(hours=1)) >= MOST_UNCONFIRMED:
            raise Conflict("Too many ask at once.", hint="Try again in an hour, or read the feed.", code="WK544")
        found = public.subscribe(connection, asked)
        if found.confirmed_at is None:
            # once an hour, so that nobody is flooded by somebody else's asking
            key = f"public/confirm/{found.id}/{now:%Y-%m-%dT%H}"
            body = f"Somebody, perhaps you, asks to be told by mail of the news of {page.title}.\nIf it was not you, do nothing."
            outbox.write_notice(
                connection, Notice(key, None, OUTSIDER + found.id, "confirm", f"{page.title}: confirm", body, "waiting", 0, now)
            )

    await app.database.write(work)
    app.wake()


async def subscribe_endpoint(app: App, actor: Actor, url: str) -> Subscriber:
    """Have an endpoint told by webhook. An owner's word is enough: the public cannot make us call an address."""
    require(actor, "give access")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or len(url) > 500:
        raise InputError("That is no address of a webhook.", hint="Write it as https://host/path.", code="WK543")
    now = app.clock.now()
    wanted = Subscriber(new_id("sub", now), "webhook", url, secrets.token_urlsafe(24), now, now)

    def work(connection: Connection) -> Subscriber:
        found = public.subscribe(connection, wanted)
        ledger.append(connection, now, actor.name, "subscriber added", found.id, body={"host": parts.hostname})
        return found

    return await done_by(app, actor, "give access", work)


async def drop_subscriber(app: App, actor: Actor, subscriber_id: str) -> None:
    """Forget a subscriber by an owner's word."""
    now = app.clock.now()

    def work(connection: Connection) -> None:
        if not public.leave(connection, id=subscriber_id):
            hint = "`watchkeeper statuspage subscribers` lists them."
            raise NotFound(f"There is no subscriber {subscriber_id}.", hint=hint, code="WK545")
        ledger.append(connection, now, actor.name, "subscriber dropped", subscriber_id)

    await done_by(app, actor, "give access", work)


async def subscribers(app: App, actor: Actor) -> list[Subscriber]:
    """List who is told, and who has not confirmed; it takes an owner, for these are people's addresses."""
    require(actor, "give access")
    return await app.database.read(lambda connection: public.read_subscribers(connection, confirmed=False))


async def by_token(app: App, token: str) -> Subscriber:
    """Give whose link this is; NotFound where nobody's."""
    found = await app.database.read(lambda connection: public.subscriber_by(connection, token=token))
    if found is None:
        raise NotFound("This link is not good any more.", hint="Ask anew on the page.", code="WK545")
    return found


async def confirm(app: App, token: str) -> None:
    """Take in that somebody said so a second time."""
    now = app.clock.now()
    if not await app.database.write(lambda connection: public.confirm(connection, token, now)):
        raise NotFound("This link is not good any more.", hint="Ask anew on the page.", code="WK545")


async def leave(app: App, token: str) -> None:
    """Forget somebody who does not want to be told any more; doing it twice is no error."""
    await app.database.write(lambda connection: public.leave(connection, token=token))


# --- telling them


async def tell_news(app: App) -> int:
    """Write a notice to each subscriber for each piece of news that was not told yet; returns how many pieces."""
    if app.estate.statuspage is None:
        return 0
    now = app.clock.now()

    def work(connection: Connection) -> int:
        hold(connection, "public news")
        page = read_page(connection, app, now)
        fresh = [piece for piece in news(page) if now - piece[1] <= STALE and public.note_told(connection, piece[0], now)]
        whom = public.read_subscribers(connection) if fresh else []
        for key, at, subject, body in fresh:
            for each in whom:
                if each.confirmed_at is not None and each.confirmed_at <= at:
                    notice = Notice(
                        f"{key}/{each.id}"[:200],
                        None,
                        OUTSIDER + each.id,
                        "public",
                        f"{page.title}: {subject}",
                        body,
                        "waiting",
                        0,
                        now,
                    )
                    outbox.write_notice(connection, notice)
        return len(fresh)

    if not await app.database.read(lambda connection: _may_have_news(connection, app, now)):
        return 0
    return await app.database.write(work)


def _may_have_news(connection: Connection, app: App, now: datetime) -> bool:
    return any(
        now - at <= STALE and not public.was_told(connection, key) for key, at, *_ in news(read_page(connection, app, now))
    )


def news(page: PublicPage) -> list[tuple[str, datetime, str, str]]:
    """Give the page's pieces of news, oldest first: key, when, subject and body."""
    found = []
    for incident in (*page.incidents, *page.past):
        for said in incident.posts:
            key = f"public/{incident.id}/{said.progress}/{said.at:%Y%m%dT%H%M%S%f}"
            where = f"\n\n{page.address}" if page.address else ""
            found.append((key, said.at, f"{incident.title} ({said.progress})", f"{said.text}{where}"))
    for work in page.maintenance:
        span = f"From {work.begins_at:%Y-%m-%d %H:%M} to {work.ends_at:%Y-%m-%d %H:%M} UTC."
        named = f"\nIt touches {', '.join(work.components)}." if work.components else ""
        body = "\n".join(part for part in (span + named, work.text, page.address) if part)
        found.append((f"public/{work.id}/announced", work.announced_at, f"Maintenance: {work.title}", body))
        if work.stage(page.at) == "in progress":
            found.append((f"public/{work.id}/begun", work.begins_at, f"Maintenance begins: {work.title}", body))
    return sorted(found, key=lambda piece: piece[1])


async def outsider(app: App, person: str) -> Person | None:
    """Give a subscriber as somebody a notice can be sent to; None where they left, or where nothing can be sent."""
    if not person.startswith(OUTSIDER):
        return None
    found = await app.database.read(lambda c: public.subscriber_by(c, id=person.removeprefix(OUTSIDER)))
    page = app.estate.statuspage
    if found is None or page is None:
        return None
    if found.kind == "webhook":
        address = re.sub(r"^http", "json", found.address, count=1)
    elif page.mail is not None:
        mail = page.mail.reveal() if isinstance(page.mail, Secret) else page.mail
        address = f"{mail}{'&' if '?' in mail else '?'}to={quote(found.address, safe='@')}"
    else:
        return None
    return Person(person, "a subscriber", 0, notify=(Secret(address),))


async def lines_for(app: App, notice: Notice) -> tuple[str, ...]:
    """Give the link that a notice to a subscriber carries only as it is sent: to confirm, or to be told no more."""
    found = await app.database.read(lambda c: public.subscriber_by(c, id=notice.person.removeprefix(OUTSIDER)))
    where = address_of(app)
    if found is None or not where or found.kind == "webhook":
        return ()
    if notice.kind == "confirm":
        return (f"Confirm: {where}/confirm/{found.token}",)
    return (f"To be told no more: {where}/leave/{found.token}",)
