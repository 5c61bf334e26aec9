"""Chats: an incident's timeline is written into its own channel, and what people say and press there is done as they.

Writing follows the timeline: what is written is counted after it was accepted, so that a death in between repeats one message,
marked as a repeat, and loses none. Whoever asks for something in a chat acts as the person of watchkeeper.toml whose member id it
is, with the role that they have everywhere; a stranger is told so and changes nothing.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from watchkeeper.actions import acts, by_hand, links
from watchkeeper.actions.oncall import page as page_somebody
from watchkeeper.actions.seeing import concerned, seen_by
from watchkeeper.app import App
from watchkeeper.base.errors import InputError, NotFound, Permanent, Refused, Transient, WatchkeeperError
from watchkeeper.estate.model import Chat, Person
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident.lifecycle import AUTOMATION
from watchkeeper.incident.model import Incident
from watchkeeper.people.access import role_of
from watchkeeper.people.identity import Actor
from watchkeeper.people.rota_ledger import who_is_on_call
from watchkeeper.plugins.slack.room import SlackRoom
from watchkeeper.tell.chat import ledger as rows
from watchkeeper.tell.chat import rules
from watchkeeper.tell.chat.model import Button, Channel, ChatPost, Room
from watchkeeper.tell.outbox import people_told

log = logging.getLogger(__name__)

#: an incident that is over for longer is not written about any more
OVER = timedelta(hours=24)
#: the last word in a public channel whose incident has become private
LEFT = "Watchkeeper writes nothing more here, and does not listen here any more."
#: entries that one round writes into one channel
AT_ONCE = 20
#: after a refusal a chat is left alone for this long
REFUSED_FOR = timedelta(minutes=5)
#: by what a run asks
ANSWERS = {"approve": ("approve", "refuse"), "branch": ("yes", "no"), "manual": ("done", "skip")}
HELP = (
    "`list` what is open · `open SEVERITY TITLE` · `ack INCIDENT [why]` take it · `note INCIDENT TEXT` · "
    "`update INCIDENT TEXT` tell those who know of it · `severity INCIDENT SEVERITY WHY` · `resolve INCIDENT WHY` · "
    "`private INCIDENT WHY` only those whom it concerns see it · `public INCIDENT WHY` · "
    "`page WHOM TEXT` · `oncall` who is on call"
)


class ChatWriter:
    """Writes the timelines of incidents into their channels."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.rooms: dict[str, Room] = {name: SlackRoom(chat.token, chat.api) for name, chat in app.estate.chats.items()}
        #: until when an incident is left alone in a chat that refused it
        self._refused: dict[tuple[str, str], datetime] = {}

    async def write(self) -> int:
        """Write what is new; gives how many messages were taken. What fails is tried again the next time.

        A chat that cannot be reached is left for this round; what it refuses of one incident holds no other up.
        """
        app, now, written = self.app, self.app.clock.now(), 0
        self._refused = {each: until for each, until in self._refused.items() if now < until}
        for name, chat in app.estate.chats.items():
            for incident in await app.database.read(partial(_with_channel, chat=chat, now=now)):
                if (name, incident.id) in self._refused:
                    continue
                try:
                    written += await self._write_one(self.rooms[name], chat, incident)
                except Transient as problem:
                    log.warning("%s", problem, extra={"action": "chat_put_off", "chat": name})
                    break
                except Permanent as problem:
                    self._refused[name, incident.id] = now + REFUSED_FOR
                    told = {"action": "chat_refused", "chat": name, "incident_id": incident.id}
                    log.error("%s", problem, extra=told)
        return written

    async def close(self) -> None:
        """End the connections."""
        for room in self.rooms.values():
            await room.close()

    async def _write_one(self, room: Room, chat: Chat, incident: Incident) -> int:
        database, now = self.app.database, self.app.clock.now()
        known = await database.read(lambda c: rows.read_channel(c, incident.id, chat.name))
        private = incident.is_private
        if known is None or (private and not known.private):
            channel = await room.make_channel(rules.channel_name(incident), private)
            if known is not None:
                await self._leave(room, known)
            left = known is not None
            await database.write(lambda c: self._begin(c, incident, chat, channel, now, left=left))
            known = Channel(incident.id, chat.name, channel, 0, -1, "", now, int(private))
        entries = await database.read(lambda c: incidents.read_timeline(c, incident.id))
        due = rules.posts(entries, known.written, chat.name)[:AT_ONCE]
        if known.written == 0:
            link = f"{self.app.address}/incidents/{incident.id}" if self.app.address else ""
            first = due[0][0] if due else 1
            due = [(first, rules.opening(incident, link)), *(each for each in due if each[0] != first)]
        if (topic := rules.topic(incident)) != known.topic:
            await room.set_topic(known.channel, topic)
            await self._note(incident, chat, topic=topic)
        whom = concerned if private else people_told
        told = await database.read(lambda c: whom(c, self.app.estate, incident.id))
        if due:
            await room.invite(known.channel, [member for person in told for member in person.chat])
        for seq, post in due:
            await self._note(incident, chat, begun=seq)
            await room.post(known.channel, post, repeat=known.begun == seq)
            await self._note(incident, chat, written=seq, begun=-1)
        return len(due) + await self._ask(room, chat, incident, known.channel)

    @staticmethod
    def _begin(connection: Connection, incident: Incident, chat: Chat, channel: str, now: datetime, *, left: bool) -> None:
        """Keep a new channel; where a public one is left behind, say in the timeline what stays in it."""
        rows.add_channel(connection, incident.id, chat.name, channel, now, incident.is_private)
        if left:
            sentence = (
                f"A private channel of {chat.name} goes on with this incident. Its public channel stays as it is, with all that "
                "was written there: a bot can neither hide nor convert it, and nothing more is written there. An admin of the "
                "workspace can archive or delete it."
            )
            incidents.add_entry(connection, incident.id, now, "moved", AUTOMATION, sentence, {"left": chat.name})

    @staticmethod
    async def _leave(room: Room, known: Channel) -> None:
        """Say a last word in a channel; where it is refused, as in an archived one, there is nobody to hear it."""
        try:
            await room.post(known.channel, ChatPost(LEFT), repeat=False)
        except Permanent as problem:
            log.info("%s", problem, extra={"action": "chat_left", "incident_id": known.incident_id})

    async def _ask(self, room: Room, chat: Chat, incident: Incident, channel: str) -> int:
        """Put what a run asks into the channel, once a question, with the answers that a press may give."""
        database, now = self.app.database, self.app.clock.now()
        asked = await database.read(lambda c: links.question_of(c, incident.id))
        if asked is None:
            return 0
        standing = asked.run.acts[asked.act.key]
        question_id = f"asked/{chat.name}/{asked.run.id}/{asked.act.key}/{standing.asked_at}"[:190]
        if await database.read(lambda c: rows.is_taken(c, question_id)):
            return 0
        what = asked.act.command.text if asked.act.command else asked.act.text
        link = f"{self.app.address}/runs/{asked.run.id}" if self.app.address else ""
        question = ChatPost(f"Question: {what}\n{standing.sentence}", _buttons(asked), link)
        begun = f"{question_id}/begun"
        first = await database.write(lambda c: rows.take_event(c, begun, now))
        await room.post(channel, question, repeat=not first)
        await database.write(lambda c: rows.take_event(c, question_id, now))
        return 1

    async def _note(self, incident: Incident, chat: Chat, **values: object) -> None:
        await self.app.database.write(lambda c: rows.update_channel(c, incident.id, chat.name, **values))


def _with_channel(connection: Connection, chat: Chat, now: datetime) -> list[Incident]:
    """Give the incidents that are written about: those that are open, and those that have just ended."""
    found = incidents.list_incidents(connection, open_only=True)
    newest = incidents.list_incidents(connection, limit=50)
    recent = [each for each in newest if each.resolved_at and now - each.resolved_at < OVER]
    known = rows.with_channel(connection, chat.name, [each.id for each in recent])
    ended = [each for each in recent if each.id in known]
    return [each for each in (*found, *ended) if rules.wants_channel(each, chat.severities)]


def _buttons(asked: links.Asked) -> tuple[Button, ...]:
    """Give the answers to a question that a press may give; what can destroy is answered on its page."""
    if asked.act.risk in ("destroy", "unknown"):
        return ()
    standing = asked.run.acts[asked.act.key]
    at = standing.asked_at.isoformat() if standing.asked_at else ""
    answers = ANSWERS.get(standing.question or "", ())
    return tuple(Button(rules.PRESSED[each], f"answer|{asked.run.id}|{asked.act.key}|{each}|{at}") for each in answers)


# --- what people say and press


@dataclass(frozen=True, slots=True)
class Said:
    """Who says something, in which chat, and where."""

    chat: Chat
    member: str
    channel: str = ""


def person_of(app: App, member: str) -> Person | None:
    """Give the person whose member id it is."""
    return next((person for person in app.estate.people.values() if member and member in person.chat), None)


def actor_of(app: App, said: Said) -> Actor:
    """Give as whom somebody of a chat acts; refused for who is not of [people] or has no role."""
    person = person_of(app, said.member)
    role = role_of(app.estate, person.id) if person is not None else None
    if person is None or role is None:
        hint = f'Add chat = ["{said.member}"] and access to one of [people].'
        raise Refused("Watchkeeper does not know you in this chat, so nothing was done.", hint=hint, code="WK432")
    return Actor(person.id, (role,), f"chat {said.chat.name}", "", person.id)


async def is_new(app: App, chat: Chat, signature: str) -> bool:
    """Take a signed request by its signature, once, so that a recorded one is no good a second time, after a restart neither."""
    now = app.clock.now()
    return await app.database.write(lambda c: rows.take_event(c, f"signed/{chat.name}/{signature}"[:200], now))


async def command(app: App, said: Said, text: str) -> str:
    """Do what a slash command asks for; gives the answer, which only its sender sees."""
    verb, _, rest = text.strip().partition(" ")
    try:
        actor = actor_of(app, said)
        return await _command(seen_by(app, actor), actor, said, verb.lower(), rest.strip())
    except WatchkeeperError as problem:
        return f"{problem.message}{' ' + problem.hint if problem.hint else ''}"


async def _command(app: App, by: Actor, said: Said, verb: str, rest: str) -> str:
    if verb in ("", "help"):
        return HELP
    if verb == "list":
        return await app.database.read(_listed)
    if verb == "oncall":
        now = app.clock.now()
        found = await app.database.read(lambda c: who_is_on_call(c, app.estate, now))
        names = {name: ", ".join(app.estate.people[p].name for p in each.people) or "nobody" for name, each in found.items()}
        return "\n".join(f"{name}: {who}" for name, who in names.items()) or "There is no rota: everybody of a role is told."
    if verb == "page":
        whom, _, words = rest.partition(" ")
        await page_somebody(app, by, whom, words)
        return f"{whom} is paged."
    if verb == "open":
        severity, _, title = rest.partition(" ")
        made = await by_hand.open_incident(app, by, title, severity)
        return f"“{made.title}” is open: {made.id}."
    given, _, words = rest.partition(" ")
    incident = await _incident(app, said, given)
    if incident.id != given and given:
        words = rest  # the channel says which incident is meant
    if verb == "ack":
        await acts.acknowledge(app, by, incident.id, words)
        return f"You have “{incident.title}” now."
    if verb == "note":
        await acts.note(app, by, incident.id, words)
        return "Written down."
    if verb == "update":
        told = await by_hand.tell_update(app, by, incident.id, words)
        return f"{', '.join(told)} will be told." if told else "Written down. Nobody was told of it yet."
    if verb in ("private", "public"):
        await by_hand.keep_private(app, by, incident.id, words, private=verb == "private")
        return f"“{incident.title}” is {'private' if verb == 'private' else 'seen by everybody who may look'}."
    if verb == "severity":
        severity, _, why = words.partition(" ")
        changed = await by_hand.set_severity(app, by, incident.id, severity, why)
        return f"“{changed.title}” is {changed.severity}."
    if verb == "resolve":
        await acts.resolve(app, by, incident.id, words)
        return f"“{incident.title}” is closed."
    raise InputError(f"{verb!r} is no word that Watchkeeper knows.", hint=HELP, code="WK433")


async def press(app: App, said: Said, value: str) -> str:
    """Do what a button stands for; gives the answer, which only its presser sees."""
    try:
        actor = actor_of(app, said)
        kind, *parts = value.split("|")
        if kind == "acknowledge" and len(parts) == 1:
            incident = await acts.acknowledge(app, actor, parts[0])
            return f"You have “{incident.title}” now."
        if kind == "answer" and len(parts) == 4:
            run_id, act, answer, at = parts
            seen = datetime.fromisoformat(at) if at else None
            await acts.answer(app, actor, run_id, act, answer, f"pressed in {said.chat.name}", seen=seen)
            return f"Answered: {answer}."
    except WatchkeeperError as problem:
        return f"{problem.message}{' ' + problem.hint if problem.hint else ''}"
    return "This button is not ours any more."


async def heard(app: App, said: Said, text: str, event_id: str) -> str:
    """Take what somebody wrote into an incident's channel: "ack" takes it, all else is a note. Empty: it was not for us."""
    now = app.clock.now()
    channel = await app.database.read(lambda c: rows.channel_of(c, said.chat.name, said.channel))
    if channel is None or not text.strip() or not await app.database.write(lambda c: rows.take_event(c, event_id, now)):
        return ""
    try:
        actor = actor_of(app, said)
        if text.strip().lower() in ("ack", "acknowledge", "mine", "i have it"):
            await acts.acknowledge(app, actor, channel.incident_id)
            return "acknowledged"
        await acts.note(app, actor, channel.incident_id, text.strip()[:5000], {"chat": said.chat.name})
    except WatchkeeperError as problem:
        log.info("%s", problem, extra={"action": "chat_unheard", "chat": said.chat.name})
        return ""
    return "noted"


async def _incident(app: App, said: Said, given: str) -> Incident:
    def work(connection: Connection) -> Incident | None:
        known = incidents.get_incident(connection, given) if given else None
        if known is None and (channel := rows.channel_of(connection, said.chat.name, said.channel)) is not None:
            known = incidents.get_incident(connection, channel.incident_id)
        return known

    found = await app.database.read(work)
    if found is None:
        raise NotFound(f"There is no incident {given or 'in this channel'}.", hint="`list` shows what is open.", code="WK434")
    return found


def _listed(connection: Connection) -> str:
    found = incidents.list_incidents(connection, open_only=True)
    lines = [
        f"{one.id}  {one.severity or '–'}  {one.title} ({one.status}{', ' + one.acknowledged_by if one.acknowledged_by else ''})"
        for one in found[:20]
    ]
    return "\n".join(lines) or "Nothing is open."
