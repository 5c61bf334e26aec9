"""Read contacts: each person, role, team, vendor or channel with an address, or with a place where one is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from watchkeeper.book.model import Contact
from watchkeeper.book.openings import Opening
from watchkeeper.book.read.ordering import in_order
from watchkeeper.book.read.passages import Passage, Passages, TableAt, clean
from watchkeeper.book.vocabulary import (
    CONTACT_WORDS,
    DOCUMENT_LABELS,
    ESCALATION_WORDS,
    NOT_CONTACTS,
    ROLE_WORDS,
    VENDOR_WORDS,
    matcher,
)

_CONTACT = matcher(CONTACT_WORDS)
_ESCALATION = matcher(ESCALATION_WORDS)
_VENDOR = matcher(VENDOR_WORDS)
_ROLE = matcher(ROLE_WORDS)
_NOT = matcher(NOT_CONTACTS, *DOCUMENT_LABELS.values(), ("week *", "contract", "contrat", "vertrag", "contrato"))
_PHONE = re.compile(
    r"(?<![\w/#.-])(?:\+\d{1,3}[-\s.]?(?:\(?[\dXx]{1,5}\)?[-\s.]?)(?:[\dXxA-Z]{2,}[-\s.]?){1,5}|\+[A-Z]{2,3}[- "
    r"][A-Z-]{3,}|\(\d{3}\)\s?\d{3}-\d{4}|\d{3}-\d{3}-\d{4}|0\d{2,4}[-/ ]\d{3,}[-\d ]*)"
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.\w{2,}|[\w.+-]+@(?=\s|$|[),])|<[\w -]*e?mail[\w -]*>", re.IGNORECASE)
_CHANNEL = re.compile(r"(?<![\w/&#.=\[(-])#(?!\d+\b)[a-z\u3040-\uffef][\w\u3040-\uffef-]{2,}")
_HANDLE = re.compile(
    r"(?<![\w.@])(?P<name>@[A-Za-z][\w.-]{2,})(?=.*\b(?:slack|teams|discord|telegram|chat|mattermost)\b)|"
    r"\b(?:slack|teams|discord|telegram|chat|mattermost)\b.*?(?<![\w.@])(?P<named>@[A-Za-z][\w.-]{2,})",
    re.IGNORECASE,
)
_SLOT = re.compile(
    r"[\[<](?:phone|e-?mail|name|contact|number|account|provider|slack|support|mobile|tel|pager|handle|à définir|"
    r"tbd|telefon|teléfono|nombre|氏名|電話)[^\]>]*[\]>]",
    re.IGNORECASE,
)
_URL = re.compile(r"https?://\S+")
_SERVICE = re.compile(
    r"\b(?:pagerduty|opsgenie|victorops|status ?page|statuspage|support portal|support|zendesk|hotline|help ?desk|"
    r"ms teams|microsoft teams|soporte|suporte|assistance|service desk|servicedesk|live chat|chat|portal|ticket(?:s|"
    r"ing)?)\b|サポート",
    re.IGNORECASE,
)
_SUPPORT = re.compile(
    r"\b(?:support|soporte|suporte|supporto|assistance|assistenza|help ?desk|hotline)\b|"
    r"サポート|支持",
    re.IGNORECASE,
)
_HOURS = re.compile(
    r"\b(?:24\s?[/x]\s?7|business hours[^)|,;]*|bürozeiten[^)|]*|horario[^)|]*|"
    r"\d{1,2}:\d{2}\s?[-–]\s?\d{1,2}:\d{2}[^)|,]*|(?:mon|mo|lun)\S{0,5}\s?[-–]\s?(?:fri|fr|ven|vie)\S{0,5}[^)|"
    r",]*)|営業日[^)|]*|critical escalation only|p0 only",
    re.IGNORECASE,
)
_ADDRESS_WORDS = re.compile(
    r"^(?:slack|e-?mail|phone|telephone|tel|mobile|pagerduty|pager|teams|chat|channel|sms|téléphone|telefon|"
    r"teléfono|correo|courriel|telefone|電話|メール|电话|邮箱|url|website|portal|hours|availability|verfügbarkeit|disponibilité|disponibilidad|"
    r"(?:\w+[- ])?hotline|notfallnummer)"
    r"(?:\s+(?:channels?|address(?:es)?|numbers?|line|phone|group|handle|adresse|nummer|schedule|rotation))?\s*(?:[(/,&].*)?$",
    re.IGNORECASE,
)
_VARIABLE = re.compile(r"(?<![\w$])\$\{?[A-Z][A-Z0-9_]*\}?|\{\{\s*[\w.]+\s*\}\}")
_RUNG = re.compile(
    r"(?:primary|secondary|tertiary|backup|escalation|principal|first|second|third|1st|2nd|3rd|primär|sekundär|principal|suplente|"
    r"secundario|primario|titular|remplaçant)(?:\s+(?:on-?call|contact|responder|escalation))?",
    re.IGNORECASE,
)
_ON_CALL = re.compile(
    r"(?:primary |secondary )?on-?call(?:\s+(?:rotation|contact|team|engineer|address))?$|astreinte$|bereitschaft$|guardia$|"
    r"plantão$", re.IGNORECASE)  # fmt: skip
#: the first column of a table of people
_PEOPLE = re.compile(
    r"role|person|name|team|who|rolle|rôle|rol|função|papel|cargo|équipe|equipo|equipe|rola|zespół|役割|担当|角色|역할|담당",
    re.IGNORECASE,
)
_OPEN = re.compile(r"(?:tbd|tba|todo|n/?a|[-–—?]+|à définir|por definir|a definir|未定|미정|待定|)$", re.IGNORECASE)
_HEADS = re.compile(
    r"\b(?:how|reach|handle|discord|matrix|number|nummer|contacts?|e-?mail|phone|telephone|tel|slack|channel|kontakt|telefon\w*|celular|mobil\w*|handy|durchwahl|ramal|fone|rufnummer|téléphone|contacto|correo|contato|"
    r"連絡先|電話|メール|联系方式|电话|연락처|pagerduty|reach)\b|連絡先|電話|メール|联系|电话|연락처",
    re.IGNORECASE,
)

_COMMANDING = re.compile(
    r"handoff|expectation|responsibilit|checklist|escalation (?:path|matrix|level|policy|criteria)|when to", re.IGNORECASE
)
_DASHED = re.compile(r"^(?P<role>[^\n]{2,50}?)\s+[-–—]\s+(?P<body>.+)$")
_PLAIN = re.compile(
    r"\b(?:contacts?|channels?|communications?|communicate|support|emergency|on-?call|external|internal|vendors?|technical|important|"
    r"key|team|the|and|for|information|info|list|numbers?|details|escalation|incident|rotation|schedule|customer|primary|"
    r"kontakt\w*|ansprechpartner|astreinte|d'urgence|urgence|contactos?|contatos?|de|und|et|emergencia|externe[sn]?|interne[sn]?)\b|[\W\d_]|"
    r"連絡先?|联系|연락처?",
    re.IGNORECASE,
)
_GROUP = re.compile(
    r"contact|channel|communicat|support|24/7|emergency|on-?call|external|vendor|kontakt|astreinte|連絡|联系|연락", re.IGNORECASE
)


@dataclass(slots=True)
class _Address:
    phone: str | None = None
    email: str | None = None
    channel: str | None = None
    hours: str | None = None
    slot: bool = False

    @property
    def found(self) -> bool:
        return bool(self.phone or self.email or self.channel or self.slot)


_PHONE_NAME = re.compile(r"PHONE|TEL|MOBILE|PAGER|NUMBER")


def _address(text: str) -> _Address:
    phone, hours = _PHONE.search(text), _HOURS.search(text)
    email = _EMAIL.search(text) if "@" in text or "<" in text else None
    channel = _CHANNEL.search(text) if "#" in text else None
    service = _SERVICE.search(text)
    url = _URL.search(text) if "://" in text else None
    named = service.group() if service and not phone and not email else None
    handle = _HANDLE.search(text) if "@" in text and channel is None and email is None else None
    said = (
        channel.group()
        if channel
        else (handle["name"] or handle["named"])
        if handle
        else url.group().rstrip(").,")
        if url
        else named
    )
    variable = _VARIABLE.search(text)
    name = variable.group() if variable else ""
    return _Address(
        phone.group().strip() if phone else name if _PHONE_NAME.search(name) else None,
        email.group() if email else name if "MAIL" in name else None,
        said,
        hours.group().strip() if hours else None,
        bool(_SLOT.search(text) or variable),
    )


def read_contacts(passages: Passages) -> tuple[Contact, ...]:
    """Read all contacts; a rung of a ladder without an address is none."""
    found: list[Contact] = []
    for table in passages.tables:
        found.extend(_from_table(table))
    named: dict[tuple[int, tuple[str, ...]], int] = {}
    for passage in passages.all:
        contact = _from_passage(passage)
        if contact is None:
            continue
        key = (id(passage.section), passage.under)
        closest = _closest(passage)
        named_by_heading = (
            _CONTACT.search(closest)
            or _VENDOR.search(closest)
            or _ROLE.search(closest)
            or passage.parent is not None
            or passage.under
        )
        if not _ADDRESS_WORDS.match(contact.role) or _is_group(closest) or not named_by_heading:
            found.append(contact)
        elif key in named:
            found[named[key]] = _merged(found[named[key]], contact)
        else:
            named[key] = len(found)
            found.append(replace(contact, role=clean(re.split(r"\(", _closest(passage))[0])))
    lines = {contact.line for contact in found}
    known = {contact.channel for contact in found}
    found.extend(_mentioned(passages, lines, known))
    return in_order(found, lambda c: (c.line, c.role.lower()))


def _closest(passage: Passage) -> str:
    return passage.under[-1] if passage.under else passage.section.title


def _is_group(title: str) -> bool:
    """Whether a heading names contacts in general ("Emergency contacts"), not one of them ("Hosting support")."""
    return bool(_GROUP.search(title)) and not re.search(r"\w{3,}", _PLAIN.sub(" ", title))


def _merged(first: Contact, more: Contact) -> Contact:
    """Join the addresses of one person that stand on several lines."""
    return replace(
        first,
        phone=first.phone or more.phone,
        email=first.email or more.email,
        channel=first.channel or more.channel,
        hours=first.hours or more.hours,
    )


_LEVEL = Opening("", "level|l|tier", r"\s*\d", re.IGNORECASE)


def _from_passage(passage: Passage) -> Contact | None:
    if passage.kind not in ("item", "prose", "fence") or len(passage.text) > 300:
        return None
    here = _CONTACT.within(passage.context[:3]) and not _commanding(passage)
    label = passage.label
    if passage.parent is not None and _ADDRESS_WORDS.match(label) and _is_contact_parent(passage.parent):
        return None
    if passage.children and here and all(_ADDRESS_WORDS.match(child.label) for child in passage.children[:1]):
        return _parent(passage)
    dashed = _DASHED.match(passage.text) if here and not label and passage.kind == "item" else None
    if dashed and _address(dashed["body"]).found:
        return _contact(passage.line, dashed["role"], _address(dashed["body"]), dashed["body"])
    if not here and (passage.kind == "fence" or not _ROLE.search(label)):
        return None
    if not label or not passage.body or _NOT.fullmatch((re.sub(r"\s*\(.*\)", "", label) if "(" in label else label).strip()):
        return None
    if _LEVEL.match(label) and not _PHONE.search(passage.body):
        return None
    address = _address(passage.body)
    vendor = any(_VENDOR.search(words) for words in passage.context[:1])
    if here and vendor and len(passage.body) < 120:
        return _contact(passage.line, label, address, passage.body)
    if here and _SUPPORT.search(label) and len(passage.body) < 100 and passage.kind == "item":
        return _contact(passage.line, label, address, passage.body)
    if here and _RUNG.fullmatch(label) and passage.kind == "item" and len(passage.body) < 80 and not address.found:
        return Contact(line=passage.line, role=f"{clean(label)}: {passage.body}", hours=address.hours)
    if here and (address.found or _missing(passage.body)):
        if not (address.phone or address.email or address.slot) and not _reachable(passage, address):
            return None
        return _contact(passage.line, label, address, passage.body)
    if address.email and _ON_CALL.match(label):
        return _contact(passage.line, label, address, passage.body)
    if (address.phone or (address.email and passage.kind == "item")) and _ROLE.search(label) and passage.kind != "fence":
        return _contact(passage.line, label, address, passage.body)
    return None


def _commanding(passage: Passage) -> bool:
    """Whether the section is about doing something with support, not about whom to reach."""
    return bool(_COMMANDING.search(passage.section.title)) and not (_PHONE.search(passage.text) or _EMAIL.search(passage.text))


def _missing(body: str) -> bool:
    """Whether the address is elsewhere or still to be filled in."""
    return (
        bool(re.match(r"(?:check|see|siehe|voir|ver|tbd|todo|n/?a|via)\b|\[.+\]$|<.+>$", body.strip(), re.IGNORECASE))
        and "](" not in body
    )


def _reachable(passage: Passage, address: _Address) -> bool:
    """Whether a channel or page is meant for reaching somebody."""
    channel = address.channel or ""
    if channel.startswith(("#", "@")) or _missing(passage.body):
        return True
    if channel.startswith("http"):
        return bool(
            re.search(r"support|status|help|contact|slack|portal|oncall|pager", f"{passage.label} {channel}", re.IGNORECASE)
        ) and not re.search(r"dashboard|grafana|docs?\b|wiki|repo", passage.label, re.IGNORECASE)
    return bool(_SERVICE.search(passage.body)) and len(passage.body) < 100


def _contact(line: int, label: str, address: _Address, body: str) -> Contact:
    channel = address.channel
    if not (address.phone or address.email) and not (channel or "").startswith(("#", "http")) and len(body) < 60:
        channel = body.strip() or channel
    return Contact(line=line, role=clean(label), phone=address.phone, email=address.email, channel=channel, hours=address.hours)


def _is_contact_parent(parent: Passage) -> bool:
    return bool(parent.children) and bool(_ADDRESS_WORDS.match(parent.children[0].label)) and len(parent.text) < 90


def _parent(passage: Passage) -> Contact | None:
    body = " ".join(child.text for child in passage.children)
    address = _address(f"{passage.text} {body}")
    if re.match(r"\d+\.", passage.text) or not (address.found or _missing(body)):
        return None
    return Contact(
        line=passage.line,
        role=clean(passage.label or passage.text),
        phone=address.phone,
        email=address.email,
        channel=address.channel,
        hours=address.hours,
    )


def _from_table(table: TableAt) -> Iterator[Contact]:
    header = [clean(title) for title in table.header]
    here = any(_CONTACT.search(words) for words in table.context[:2]) and not any(
        _ESCALATION.search(words) for words in table.context[:1]
    )
    columns = [n for n, title in enumerate(header) if _HEADS.search(title)]
    for row in table.rows:
        cells = [cell.text.strip() for cell in row.children]
        if len(cells) < 2 or not cells[0]:
            continue
        named = _ROLE.search(cells[0]) or _CONTACT.search(cells[0])
        if columns in ([], [0]) and not named:
            continue
        rest = " ".join(cells[1:])
        address = _address(rest)
        if columns and (here or address.phone or address.email or (address.channel or "").startswith("#")) and columns != [0]:
            if address.found or address.slot or (here and rest.strip()):
                yield _row(row.line, header, cells, address)
        elif _to_be_named(header, cells, columns) or (
            (address.phone or address.email or (address.channel or "").startswith("#")) and named
        ):
            yield _row(row.line, header, cells, address)


def _to_be_named(header: list[str], cells: list[str], columns: list[int]) -> bool:
    """Whether a row of a table of people leaves the address open."""
    listed = len(cells) > 2 and bool(_PEOPLE.search(header[0])) if header else False
    return listed and any(0 < n < len(cells) and _OPEN.match(cells[n]) for n in columns)


def _row(line: int, header: list[str], cells: list[str], address: _Address) -> Contact:
    hours = next(
        (
            cells[n]
            for n, title in enumerate(header)
            if n < len(cells) and re.search(r"availab|hours|verfügbar|dispon|horario|対応時間|时间", title, re.IGNORECASE)
        ),
        None,
    )
    return Contact(
        line=line,
        role=clean(cells[0]),
        phone=address.phone,
        email=address.email,
        channel=address.channel if address.found else " ".join(cells[1:2]) or None,
        hours=hours or address.hours,
    )


def _mentioned(passages: Passages, lines: set[int], known: set[str | None]) -> Iterator[Contact]:
    """Read channels that a passage merely names: "alert goes to #shop-critical"."""
    for passage in passages.all:
        if "#" not in passage.text or passage.kind not in ("item", "prose") or passage.line in lines:
            continue
        if passage.label.lower() in ("tags", "labels") or (
            passage.parent is not None and passage.parent.line in lines and _ADDRESS_WORDS.match(passage.label)
        ):
            continue
        text = _URL.sub(" ", passage.text)
        for match in _CHANNEL.finditer(text):
            channel = match.group()
            if channel in known or not _talks(passage, channel):
                continue
            known.add(channel)
            role = (
                passage.label
                if passage.label and not _ADDRESS_WORDS.match(passage.label) and len(passage.label) < 40
                else channel
            )
            yield Contact(
                line=passage.line_at(passage.text.find(channel)),
                role=f"{role}" if role == channel else f"{role} {channel}",
                channel=channel,
            )


def _talks(passage: Passage, channel: str) -> bool:
    words = f"{passage.text} {' '.join(passage.context[:2])}"
    if re.search(
        r"slack|channel|chat|notify|inform\b|tell\b|update\b|reach\b|alert|page|on-?call|post|announce|communicat|notif|kanal|canal|チャンネル",
        words,
        re.IGNORECASE,
    ):
        return True
    return passage.text.strip().startswith(channel)
